import {useEffect} from 'react';
import {t} from '../text';

export function useTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), t.product].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
