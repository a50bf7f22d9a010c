import {useCallback, useEffect, useRef, useState} from 'react';
import {useLocation, useSearch} from 'wouter';
import {askNames, readAsk, writeAsk, type Ask} from './url';

/**
 * A part of the address as state: it changes at once, and the address follows a moment later, because
 * browsers refuse an address that changes with every pixel of a slider. Parameters that are not in
 * `names` belong to others and stay.
 */
export function useAddress<T extends object>(read: (search: string) => T, write: (value: T) => string, names: readonly string[]): [T, (change: Partial<T>) => void] {
  const search = useSearch();
  const [, navigate] = useLocation();
  const [value, setValue] = useState(() => read(search));
  const written = useRef(write(value));

  // Back, forward, or a link to the same page.
  useEffect(() => {
    const now = read(search);
    const text = write(now);
    if (text === written.current) return;
    written.current = text;
    setValue(now);
  }, [search, read, write]);

  useEffect(() => {
    const text = write(value);
    if (text === written.current) return undefined;
    const path = window.location.pathname;
    const timer = window.setTimeout(() => {
      // Somebody may have gone to another page meanwhile.
      if (window.location.pathname !== path) return;
      const others = new URLSearchParams(window.location.search);
      for (const name of names) others.delete(name);
      const next = [text, readable(others)].filter(Boolean).join('&');
      written.current = text;
      navigate(next ? `${path}?${next}` : path, {replace: true});
    }, 180);
    return () => window.clearTimeout(timer);
  }, [value, write, names, navigate]);

  return [value, useCallback((change: Partial<T>) => setValue((now) => ({...now, ...change})), [])];
}

const readable = (query: URLSearchParams) => query.toString().replaceAll('%2F', '/').replaceAll('%2C', ',');

export const useAsk = (): [Ask, (change: Partial<Ask>) => void] => useAddress(readAsk, writeAsk, askNames);

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
