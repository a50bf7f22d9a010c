import {Suspense, useEffect, useMemo, useState} from 'react';
import {Link} from 'wouter';
import {events} from '../api/client';
import {client, useRun} from '../api/queries';
import type {Comparison, Metric, RunAnswer, RunPoint} from '../api/types';
import {Chart} from '../chart/later';
import {along, latencyOf} from '../figures';
import {digits, load, milliseconds, moment, short} from '../format';
import {Segments} from '../parts/fields';
import {Back} from '../parts/icons';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {t} from '../text';


/** One run; while it goes on its points arrive as they are measured. */
export default function RunPage({id}: {id: string}) {
  const answer = useRun(id);
  useTitle(id, t.pages.runs);
  return (
    <div className="page run">
      <Link className="fine with-icon" href="/runs"><Back />{t.runs.back}</Link>
      {answer.isError ? <><h1>{id}</h1><Trouble error={answer.error} retry={() => void answer.refetch()} /></>
        : !answer.data ? <Loading lines={8} />
        : <Live key={id} answer={answer.data} />}
    </div>
  );
}

function Live({answer}: {answer: RunAnswer}) {
  const {run, knee, verdict} = answer;
  const running = run.state === 'running';
  const [points, setPoints] = useState(answer.points ?? []);
  const [state, setState] = useState<'live' | 'done' | 'lost'>(running ? 'live' : 'done');
  const [metric, setMetric] = useState<Metric>('ttft');

  // With the run's end comes its knee: the answer is asked for again.
  useEffect(() => setPoints(answer.points ?? []), [answer]);
  useEffect(() => {
    if (!running) return undefined;
    const control = new AbortController();
    let ended = false;
    events(
      `/runs/${encodeURIComponent(run.id)}/events`,
      (event, data) => {
        if (event === 'point') {
          const point = data as RunPoint;
          setPoints((now) => [...now.filter((p) => p.index !== point.index), point]);
        } else if (event === 'done') {
          ended = true;
          setState('done');
          void client.invalidateQueries({queryKey: ['run', run.id]});
          void client.invalidateQueries({queryKey: ['runs']});
        }
      },
      control.signal,
    ).then(
      () => !ended && !control.signal.aborted && setState('lost'),
      () => !control.signal.aborted && setState('lost'),
    );
    return () => control.abort();
  }, [run.id, running]);

  const sorted = useMemo(() => [...points].sort((a, b) => a.load - b.load), [points]);
  const data = useMemo<Comparison>(() => {
    const statistic = 'p50' as const;
    return {
      x: {name: 'outputTokensPerSecond', label: t.choose.columns.output, unit: 'tok/s'},
      y: {name: metric, label: t.choose.metricShort[metric], unit: 'ms', statistic},
      curves: [{
        profile: run.id, name: run.model ?? run.id, loadUnit: sorted[0]?.loadUnit ?? '', evidence: {kind: 'measured', sentence: run.target ?? ''},
        knee: knee ?? {state: 'unknown', sentence: ''},
        points: sorted.filter((p) => p.counts !== false).flatMap((p) => {
          const x = along(p, 'outputTokensPerSecond');
          const y = latencyOf(p.latencyMilliseconds, metric, statistic);
          return x === undefined || y === undefined ? [] : [{load: p.load, x, y: y.value, statistic: y.statistic, ...(p.zone ? {zone: p.zone} : {})}];
        }),
      }],
    };
  }, [sorted, metric, run, knee]);

  return (
    <>
      <div className="page-head">
        <h1>{run.id}</h1>
        <span className={`state state-${state === 'live' ? 'running' : 'ended'}`}>{t.runs.state[state === 'live' ? 'running' : 'ended']}</span>
        <p className="lead">{[run.model, run.target, run.startedAt && moment(run.startedAt)].filter(Boolean).join(' · ')}</p>
      </div>
      <p className="fine" role="status">{state === 'live' ? t.runs.live : state === 'lost' ? t.runs.lost : ''}</p>
      {state === 'done' && verdict?.headline && <p className="verdict"><strong>{verdict.headline}</strong> <span className="fine">{[verdict.sound === false ? t.runs.unsound : undefined, verdict.validity].filter(Boolean).join(' · ')}</span></p>}
      {sorted.length === 0 ? <Empty title={state === 'live' ? t.runs.live : t.chart.none} /> : (
        <div className="results">
          <section aria-labelledby="chart">
            <div className="section-head">
              <h2 id="chart">{t.runs.chart}</h2>
              <Segments label={t.chart.y} hideLabel value={metric} onChange={(m) => setMetric(m as Metric)}
                options={(['ttft', 'tpot', 'itl', 'e2e'] as const).map((m) => ({id: m, name: t.choose.metricShort[m]}))} />
            </div>
            <Suspense fallback={<Loading lines={6} />}><Chart data={data} height={360} /></Suspense>
          </section>
          <section>
            <h2 id="points">{t.runs.points}</h2>
            <div className="scroll" tabIndex={0} role="region" aria-label={t.runs.points}>
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col" className="right">{t.profile.columns.load}</th><th scope="col" className="right">{t.profile.columns.output}</th>
                    <th scope="col" className="right">{t.profile.columns.requests}</th>
                    {(['ttft', 'tpot', 'e2e'] as const).map((m) => <th key={m} scope="col" className="right">{t.choose.metricShort[m]} p50</th>)}
                    <th scope="col" className="right">{t.choose.metricShort.ttft} p99</th>
                    <th scope="col" className="right">{t.runs.requests}</th><th scope="col" className="right">{t.runs.errors}</th>
                  </tr>
                </thead>
                <tbody>
                  {sorted.map((p) => {
                    const cell = (m: Metric, s: 'p50' | 'p99') => {
                      const figure = latencyOf(p.latencyMilliseconds, m, s);
                      return <td className="right" key={`${m}${s}`}>{figure ? milliseconds(figure.value) : '–'}</td>;
                    };
                    return (
                      <tr key={p.index}>
                        <th scope="row" className="right">{load(p.load, p.loadUnit ?? '')}{p.counts === false && <span className="fine"> {t.runs.notCounted}</span>}</th>
                        <td className="right">{p.outputTokensPerSecond === undefined ? '–' : short(p.outputTokensPerSecond)}</td>
                        <td className="right">{p.requestsPerSecond === undefined ? '–' : digits(p.requestsPerSecond)}</td>
                        {cell('ttft', 'p50')}{cell('tpot', 'p50')}{cell('e2e', 'p50')}{cell('ttft', 'p99')}
                        <td className="right">{p.requests === undefined ? '–' : digits(p.requests, 6)}</td>
                        <td className="right">{p.errors === undefined ? '–' : digits(p.errors, 6)}</td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          </section>
        </div>
      )}
    </>
  );
}
