import {useEffect, useState} from 'react';
import {Button} from 'react-aria-components';
import {Check, Copy, Save} from './icons';
import {t} from '../text';

export function CopyButton({text, what, plain = false}: {text: string; what: string; plain?: boolean}) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = window.setTimeout(() => setDone(false), 1800);
    return () => window.clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Outside of https and localhost there is no clipboard; a selection that is copied still works.
      const area = document.createElement('textarea');
      area.value = text;
      area.className = 'visually-hidden';
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    setDone(true);
  };
  return (
    <>
      <Button className={plain ? 'icon-button' : 'button'} aria-label={t.configure.copyWhat(what)} onPress={() => void copy()}>
        {done ? <Check /> : <Copy />}
        {!plain && (done ? t.configure.copied : t.configure.copy)}
      </Button>
      <span className="visually-hidden" role="status">{done ? t.configure.copied : ''}</span>
    </>
  );
}

export function save(name: string, text: string, type = 'text/plain'): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function SaveButton({name, text}: {name: string; text: string}) {
  return <Button className="button" onPress={() => save(name, text)}><Save />{t.configure.download}</Button>;
}

export function Command({text}: {text: string}) {
  return (
    <div className="command">
      <pre tabIndex={0}><code>{text}</code></pre>
      <CopyButton text={text} what={text.split('\n')[0]!.slice(0, 40)} plain />
    </div>
  );
}
