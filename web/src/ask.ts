import {useCallback, useEffect, useRef, useState} from 'react';
import {useLocation, useSearch} from 'wouter';
import {readAsk, writeAsk, type Ask} from './url';

/**
 * What is asked, and a way to change a part of it. It shows at once; the address follows a moment
 * later, because browsers refuse an address that changes with every pixel of a slider.
 */
export function useAsk(): [Ask, (change: Partial<Ask>) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const [ask, setAsk] = useState(() => readAsk(search));
  const written = useRef(search);

  // Back, forward, or a link to the same page.
  useEffect(() => {
    if (search !== written.current) {
      written.current = search;
      setAsk(readAsk(search));
    }
  }, [search]);

  useEffect(() => {
    const text = writeAsk(ask);
    if (text === written.current) return undefined;
    const timer = window.setTimeout(() => {
      // Parameters of other views stay as they are.
      const own = new URLSearchParams(writeAsk(readAsk(written.current)));
      const others = new URLSearchParams(written.current);
      for (const name of [...own.keys()]) others.delete(name);
      const rest = others.toString();
      const next = [text, rest].filter(Boolean).join('&');
      written.current = next;
      navigate(next ? `${path}?${next}` : path, {replace: true});
    }, 180);
    return () => window.clearTimeout(timer);
  }, [ask, navigate, path]);

  return [ask, useCallback((change: Partial<Ask>) => setAsk((now) => ({...now, ...change})), [])];
}

/** The newest value, at most once in so many milliseconds. */
export function useThrottled<T>(value: T, every: number): T {
  const [shown, setShown] = useState(value);
  const last = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, last.current + every - Date.now());
    const timer = window.setTimeout(() => {
      last.current = Date.now();
      setShown(value);
    }, wait);
    return () => window.clearTimeout(timer);
  }, [value, every]);
  return shown;
}
