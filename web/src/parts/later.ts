import {lazy, type ComponentType} from 'react';
import {Problem} from '../api/client';

let rest: (() => Promise<unknown>)[] | undefined = [];
const fetched = (load: () => Promise<unknown>) => void load().catch(() => undefined);

/** A part that the first page does without: fetched when it is shown, or once the page is at rest. */
export function later<T extends ComponentType<any>>(load: () => Promise<{default: T}>) {
  if (rest) rest.push(load);
  else fetched(load);
  return lazy(async () => {
    try {
      return await load();
    } catch {
      throw new Problem(0, 'UNREACHABLE', '');
    }
  });
}

/** Fetches the parts that are not here yet, so that a server that goes away takes no page with it. */
export function fetchRest(): void {
  const begin = () => {
    const loads = rest ?? [];
    rest = undefined;
    loads.forEach(fetched);
  };
  if ('requestIdleCallback' in window) window.requestIdleCallback(begin, {timeout: 5000});
  else setTimeout(begin, 1000);
}
