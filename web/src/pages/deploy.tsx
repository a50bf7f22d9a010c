import {useEffect, useRef, useState} from 'react';
import {Button, ProgressBar} from 'react-aria-components';
import {Link} from 'wouter';
import {job, type Progress} from '../api/client';
import {client} from '../api/queries';
import type {Deployed, Info} from '../api/types';
import {milliseconds} from '../format';
import {Empty, Trouble} from '../parts/state';
import {t} from '../text';
import {Findings} from './findings';

/** Applies what the page shows through the server's own kubeconfig, where the operator allowed it. */
export function Deploy({info, body, namespace}: {info: Info | undefined; body: Record<string, unknown>; namespace: string}) {
  const [steps, setSteps] = useState<Progress[]>([]);
  const [result, setResult] = useState<{of: 'plan' | 'deploy'; answer: Deployed} | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [running, setRunning] = useState<AbortController | null>(null);
  const [stopped, setStopped] = useState(false);
  const live = useRef<AbortController | null>(null);
  // Leaving the page stops watching, not the deployment: a cancelled job would leave it half done.
  useEffect(() => () => { live.current = null; }, []);
  // A plan belongs to the options it was made for.
  const shape = JSON.stringify(body);
  useEffect(() => setResult((now) => (now?.of === 'plan' ? null : now)), [shape]);

  if (!info) return null;
  if (!info.allowed.deploy) {
    return <Empty title={t.configure.notAllowed}><p>{info.allowed.deployWhyNot}</p><p>{t.configure.notAllowedDo}</p></Empty>;
  }

  const start = async (of: 'plan' | 'deploy') => {
    const control = new AbortController();
    live.current = control;
    setRunning(control);
    setSteps([]);
    setResult(null);
    setError(null);
    setStopped(false);
    try {
      const answer = await job<Deployed>('/deployments', {...body, dryRun: of === 'plan'}, (p) => p.what && setSteps((now) => [...now.filter((s) => s.what !== p.what), p].slice(-8)), control.signal);
      setResult({of, answer});
      void client.invalidateQueries({queryKey: ['deployments']});
    } catch (problem) {
      if (control.signal.aborted) setStopped(true);
      else setError(problem);
    } finally {
      setRunning(null);
    }
  };

  const last = steps.at(-1);
  return (
    <div className="deploy">
      <p className="fine">{t.configure.deployLead(namespace)}</p>
      <div className="buttons">
        <Button className="button" isDisabled={running !== null} onPress={() => void start('plan')}>{t.configure.plan}</Button>
        <Button className="button button-main" isDisabled={running !== null} onPress={() => void start('deploy')}>{t.configure.deployNow}</Button>
        {running && <Button className="button" onPress={() => running.abort()}>{t.configure.stop}</Button>}
      </div>
      {running && (
        <ProgressBar className="progress" aria-label={t.configure.deploying} isIndeterminate={!last?.all} value={last?.done ?? 0} maxValue={last?.all ?? 1}>
          {({percentage}) => <span className="progress-track"><span className={percentage === undefined ? 'progress-run' : 'progress-fill'} style={percentage === undefined ? undefined : {width: `${percentage}%`}} /></span>}
        </ProgressBar>
      )}
      <div className="steps" role="log" aria-label={t.configure.deploying}><ol>{steps.map((step) => <li key={step.what}>{step.what}</li>)}</ol></div>
      {stopped && <p role="status">{t.configure.stopped}</p>}
      {error !== null && <Trouble error={error} />}
      {result && <Outcome of={result.of} answer={result.answer} />}
    </div>
  );
}

function Outcome({of, answer}: {of: 'plan' | 'deploy'; answer: Deployed}) {
  const moving = answer.objects.filter((o) => o.action !== 'same');
  const {failure, smoke} = answer;
  return (
    <div className="outcome" role="status">
      <h3>{of === 'plan' ? (moving.length > 0 ? t.configure.planned : t.configure.plannedNothing) : (t.configure.outcome[answer.outcome ?? ''] ?? answer.outcome)}</h3>
      <ul className="changes">
        {answer.objects.map((o) => (
          <li key={`${o.kind}/${o.name}`}>
            <span className={`change change-${o.action}`}>{t.configure.changes[o.action] ?? o.action}</span> {o.kind} {o.name}
            {(o.changes?.length ?? 0) > 0 && <span className="fine"> {o.changes!.map((c) => c.path).join(', ')}</span>}
          </li>
        ))}
      </ul>
      {(answer.notes?.length ?? 0) > 0 && <ul className="lines">{answer.notes!.map((note) => <li key={note}>{note}</li>)}</ul>}
      {failure && <p>{[failure.workload, failure.pod, failure.reason, failure.message].filter(Boolean).join(': ')}</p>}
      {(failure?.findings?.length ?? 0) > 0 && <Findings findings={failure!.findings!} />}
      {smoke && <p>{smoke.passed ? t.configure.smoke(milliseconds(smoke.milliseconds ?? 0)) : t.configure.smokeFailed} {smoke.said && <q>{smoke.said}</q>}</p>}
      {of === 'deploy' && <Link href={`/deployments?namespace=${encodeURIComponent(answer.namespace)}`}>{t.configure.toDeployments}</Link>}
    </div>
  );
}
