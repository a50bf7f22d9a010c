import type {Finding} from '../api/types';
import {Command} from '../parts/copy';
import {t} from '../text';

/** What doctor found: what, where, why, and what puts it right. */
export function Findings({findings}: {findings: Finding[]}) {
  return (
    <ol className="findings">
      {findings.map((f, i) => (
        <li key={i} className={`finding finding-${f.severity}`}>
          <p className="finding-head">
            <strong>{t.doctor.severity[f.severity]}</strong> <code>{f.id}</code>
            <span className="fine">
              {[f.object, f.field, f.line !== undefined ? t.doctor.line(f.line) : undefined, (f.count ?? 1) > 1 ? t.doctor.times(f.count!) : undefined].filter(Boolean).join(' · ')}
            </span>
          </p>
          {f.evidence && <pre className="quoted" tabIndex={0}><code>{f.evidence}</code></pre>}
          <p>{f.cause}</p>
          {f.fix && <p><strong>{t.doctor.fix}: </strong>{f.fix}</p>}
          {f.patch && <Command text={f.patch} />}
          {f.source && <p className="fine">{f.source}</p>}
        </li>
      ))}
    </ol>
  );
}
