import {Fragment, memo, useEffect, useRef} from 'react';

// Just enough colour to find one's way: comments, keys, texts. No parser is needed for that.
const shape = /^(\s*(?:- )*)(?:([\w./$-]+|"[^"]*")(:)(?=\s|$))?(.*)$/;

/** YAML, with the lines marked that were not there before the last change. */
export const Yaml = memo(function Yaml({text, label}: {text: string; label: string}) {
  const before = useRef<{text: string; lines: Set<string>} | null>(null);
  const lines = text.replace(/\n$/, '').split('\n');
  const known = before.current && before.current.text !== text ? before.current.lines : null;
  useEffect(() => {
    before.current = {text, lines: new Set(text.split('\n'))};
  }, [text]);
  return (
    <pre className="yaml" tabIndex={0} role="region" aria-label={label}>
      <code>
        {lines.map((line, i) => (
          <Fragment key={i}>
            <span className={known && line.trim() !== '' && !known.has(line) ? 'line line-new' : 'line'}><Line text={line} /></span>
            {'\n'}
          </Fragment>
        ))}
      </code>
    </pre>
  );
});

function Line({text}: {text: string}) {
  if (/^\s*#/.test(text)) return <span className="y-comment">{text}</span>;
  if (text === '---') return <span className="y-mark">{text}</span>;
  const [, indent, key, colon, rest] = shape.exec(text) ?? [];
  return (
    <>
      {indent}
      {key && <span className="y-key">{key}</span>}
      {colon}
      <span className="y-value">{rest}</span>
    </>
  );
}
