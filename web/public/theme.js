// Before the first paint, so that a chosen theme does not flash. A file of its own because the
// server's content security policy allows no inline script.
try {
  const theme = localStorage.getItem('kneepoint.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's preference then decides.
}
