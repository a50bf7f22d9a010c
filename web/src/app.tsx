import {Component, Suspense, useEffect, useRef, useState, useSyncExternalStore, type ReactNode} from 'react';
import {Button, I18nProvider, Menu, MenuItem, MenuTrigger, Popover, RouterProvider} from 'react-aria-components';
import {Link, Route, Switch, useLocation} from 'wouter';
import {Problem, signIn} from './api/client';
import {useInfo} from './api/queries';
import {Models} from './pages/models';
import {EvidenceLayer, Kind} from './parts/evidence';
import {Half, Moon, Sun} from './parts/icons';
import {later} from './parts/later';
import {Empty, Loading, SignIn, Trouble} from './parts/state';
import {t} from './text';

const Choose = later(() => import('./pages/choose'));
const ProfilePage = later(() => import('./pages/profile'));
const Configure = later(() => import('./pages/configure'));
const Deployments = later(() => import('./pages/deployments'));
const Runs = later(() => import('./pages/runs'));
const RunPage = later(() => import('./pages/run'));
const Prices = later(() => import('./pages/prices'));
const Doctor = later(() => import('./pages/doctor'));

export function App() {
  const [, navigate] = useLocation();
  return (
    <I18nProvider locale="en-US">
      <RouterProvider navigate={(to) => navigate(to)}>
        <EvidenceLayer>
          <a className="skip" href="#content">{t.skip}</a>
          <Top />
          <Page />
          <Foot />
        </EvidenceLayer>
      </RouterProvider>
    </I18nProvider>
  );
}

function Page() {
  const [path] = useLocation();
  const asked = useSyncExternalStore(signIn.subscribe, signIn.asked);
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  // A new page begins at its top, and a screen reader hears that it is there.
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    window.scrollTo(0, 0);
    main.current?.focus({preventScroll: true});
  }, [path]);
  return (
    <main id="content" ref={main} tabIndex={-1}>
      {asked && <div className="page"><SignIn refused={asked === 'refused'} /></div>}
      <div hidden={asked !== ''}>
        <Boundary key={path}>
          <Suspense fallback={<Loading lines={6} />}>
            <Switch>
              <Route path="/" component={Models} />
              <Route path="/choose"><Choose /></Route>
              <Route path="/profile/:id">{({id}) => <ProfilePage id={decodeURIComponent(id)} />}</Route>
              <Route path="/configure"><Configure /></Route>
              <Route path="/deployments"><Deployments /></Route>
              <Route path="/runs"><Runs /></Route>
              <Route path="/runs/:id">{({id}) => <RunPage id={decodeURIComponent(id)} />}</Route>
              <Route path="/prices"><Prices /></Route>
              <Route path="/doctor"><Doctor /></Route>
              <Route>
                <Empty title={t.notFound} action={<Link className="button" href="/">{t.toModels}</Link>} />
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </div>
    </main>
  );
}

const pages = [
  ['/', t.pages.models], ['/deployments', t.pages.deployments], ['/runs', t.pages.runs], ['/prices', t.pages.prices], ['/doctor', t.pages.doctor],
] as const;

function Top() {
  const [path] = useLocation();
  const within = (href: string) =>
    href === '/' ? path === '/' || /^\/(choose|profile|configure)/.test(path) : path === href || path.startsWith(`${href}/`);
  return (
    <header className="top">
      <Link className="brand" href="/">
        <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M5 25c10-1 14-3.500 16-7.500S24.500 9 25.500 6" fill="none" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
          <circle className="brand-dot" cx="20.600" cy="18.200" r="3.600" strokeWidth="2.400" />
        </svg>
        {t.product}
      </Link>
      <nav aria-label={t.nav}>
        {pages.map(([href, name]) => (
          <Link key={href} href={href} className={within(href) ? 'here' : ''} aria-current={within(href) ? 'page' : undefined}>{name}</Link>
        ))}
      </nav>
      <Theme />
    </header>
  );
}

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? 'system');
  const choose = (next: string) => {
    setTheme(next);
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === 'system') localStorage.removeItem('kneepoint.theme');
      else localStorage.setItem('kneepoint.theme', next);
    } catch {
      // It then lasts as long as the page.
    }
  };
  return (
    <MenuTrigger>
      <Button className="icon-button" aria-label={t.theme.label}>{theme === 'dark' ? <Moon /> : theme === 'light' ? <Sun /> : <Half />}</Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="listbox" selectionMode="single" selectedKeys={[theme]} onSelectionChange={(keys) => choose(String([...keys][0] ?? 'system'))}>
          <MenuItem id="system" className="option">{t.theme.system}</MenuItem>
          <MenuItem id="light" className="option">{t.theme.light}</MenuItem>
          <MenuItem id="dark" className="option">{t.theme.dark}</MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

function Foot() {
  const info = useInfo();
  return (
    <footer className="foot">
      <p className="legend" aria-label={t.evidence.legend}>
        <Kind kind="measured">{t.evidence.legendMeasured}</Kind>
        <Kind kind="published">{t.evidence.legendPublished}</Kind>
        <Kind kind="predicted">{t.evidence.legendPredicted}</Kind>
      </p>
      {info.data && <p>{t.foot(info.data.version, info.data.catalog.date, info.data.counts.profiles ?? 0)}</p>}
    </footer>
  );
}

/**
 * A mistake in one page leaves the others usable. A part that could not be fetched stays so until
 * the page is loaded again, whose address restores it.
 */
class Boundary extends Component<{children: ReactNode}, {error: unknown}> {
  override state = {error: undefined as unknown};
  static getDerivedStateFromError(error: unknown) {
    return {error};
  }
  retry = () => {
    if (this.state.error instanceof Problem) window.location.reload();
    else this.setState({error: undefined});
  };
  override render() {
    return this.state.error === undefined ? this.props.children : <Trouble error={this.state.error} retry={this.retry} />;
  }
}
