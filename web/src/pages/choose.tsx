import {Suspense, useEffect, useMemo, useRef, useState} from 'react';
import {Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay} from 'react-aria-components';
import {Link} from 'wouter';
import {useThrottled, useAsk} from '../ask';
import {useComparison, useModel, useRecommendation} from '../api/queries';
import type {Choice, Recommendation} from '../api/types';
import {Chart, ChartNumbers} from '../chart/later';
import {keyed, latencyOf, setupName} from '../figures';
import {digits, load, milliseconds, short, usd} from '../format';
import {Figure, Kind} from '../parts/evidence';
import {Segments} from '../parts/fields';
import {Close, Go, Sliders} from '../parts/icons';
import {Fold} from '../parts/fold';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {metrics, readOptions, writeAsk, writeOptions, type Ask} from '../url';
import {t} from '../text';
import {Controls} from './controls';
import {Ranking} from './ranking';

const noOptions = readOptions('');

export default function Choose() {
  const [ask, change] = useAsk();
  const asked = useThrottled(ask, 60);
  const model = useModel(ask.model);
  const answer = useRecommendation(asked);
  useTitle(ask.model || t.choose.title);
  const wide = useWide();

  if (!ask.model) return <div className="page"><Empty title={t.choose.noModel} action={<Link className="button" href="/">{t.toModels}</Link>} /></div>;

  const controls = <Controls ask={ask} change={change} model={model.data ?? null} answer={answer.data} />;
  return (
    <div className="page choose">
      <div className="page-head">
        <h1>{ask.model}</h1>
        <Link className="fine" href="/">{t.choose.changeModel}</Link>
        {answer.isFetching && answer.data && <span className="fine" role="status">{t.state.updating}</span>}
      </div>
      <div className="choose-columns">
        {wide ? (
          <section className="rail" aria-label={t.choose.controls}>{controls}</section>
        ) : (
          <DialogTrigger>
            <Button className="button rail-button"><Sliders />{t.choose.controlsOpen}</Button>
            <ModalOverlay className="sheet-overlay" isDismissable>
              <Modal className="sheet">
                <Dialog className="sheet-dialog">
                  {({close}) => (
                    <>
                      <div className="sheet-head">
                        <Heading slot="title">{t.choose.controls}</Heading>
                        <Button className="button button-main" onPress={close}>
                          {answer.data ? t.choose.found(answer.data.choices.length, answer.data.totalChoices ?? answer.data.choices.length) : <Close />}
                        </Button>
                      </div>
                      {controls}
                    </>
                  )}
                </Dialog>
              </Modal>
            </ModalOverlay>
          </DialogTrigger>
        )}
        <div className="results">
          {answer.isError ? (
            <Trouble error={answer.error} retry={() => void answer.refetch()} />
          ) : !answer.data ? (
            <Loading lines={10} />
          ) : (
            <Results ask={ask} asked={asked} change={change} answer={answer.data} />
          )}
        </div>
      </div>
    </div>
  );
}

function useWide(): boolean {
  const query = '(min-width: 1000px)';
  const [wide, setWide] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const list = window.matchMedia(query);
    const listen = () => setWide(list.matches);
    list.addEventListener('change', listen);
    return () => list.removeEventListener('change', listen);
  }, []);
  return wide;
}

function Results({ask, asked, change, answer}: {ask: Ask; asked: Ask; change: (c: Partial<Ask>) => void; answer: Recommendation}) {
  const rows = useMemo(() => keyed(answer.choices), [answer]);
  const first = rows[0]?.choice;
  const predicted = rows.filter((row) => row.choice.kneepoint.evidence.kind === 'predicted').length;
  // Nothing ticked: the best one is drawn, whatever it is under the targets of the moment.
  const ids = ask.compare.length > 0 ? ask.compare : first ? [first.kneepoint.profile] : [];
  return (
    <>
      {first ? <Best choice={first} ask={ask} targeted={Object.keys(asked.targets).length > 0} /> : <Nothing answer={answer} ask={asked} />}
      {ids.length > 0 && <Compare ask={asked} ids={ids} change={change} ticked={ask.compare.length > 0} />}
      {first && (
        <section aria-labelledby="ranking">
          <div className="section-head">
            <h2 id="ranking">{t.choose.table}</h2>
            <span className="fine" role="status">{t.choose.found(answer.choices.length, answer.totalChoices ?? answer.choices.length)}</span>
          </div>
          {predicted > 0 && predicted < rows.length && <p className="fine">{t.choose.mixed}</p>}
          <Ranking rows={rows} ask={ask} change={change} />
          {(answer.totalChoices ?? 0) > answer.choices.length && (
            <Button className="button more" onPress={() => change({rows: Math.min(1000, ask.rows + 40)})}>{t.choose.more}</Button>
          )}
        </section>
      )}
      <Small answer={answer} />
    </>
  );
}

/** The answer itself, before any table: what to run, what it does, what it costs. */
function Best({choice, ask, targeted}: {choice: Choice; ask: Ask; targeted: boolean}) {
  const k = choice.kneepoint;
  const op = k.operatingPoint;
  const name = setupName(choice);
  const shown = metrics.filter((m) => ask.targets[m] !== undefined);
  for (const metric of ['ttft', 'tpot'] as const) if (!shown.includes(metric)) shown.push(metric);
  const carry = {...ask, compare: []};
  return (
    <section className="best" aria-labelledby="best">
      <p className="best-kicker" id="best">{targeted ? t.choose.best : t.choose.bestPlain}</p>
      <div className="best-main">
        <div className="best-setup">
          <p className="best-name">
            {name.hardware} <span className="best-with">{name.server}</span>
          </p>
          <p className="best-facts">
            <Kind kind={k.evidence.kind} />
            {choice.instanceType && <span>{choice.instanceType}</span>}
            {k.price && <span>{k.price.region}</span>}
            <span>{t.choose.at(load(op.load, op.loadUnit))}, {t.choose.zone[op.zone]}</span>
          </p>
        </div>
        <Link className="button button-main" href={`/configure?${writeAsk(carry)}&${writeOptions({...noOptions, profile: k.profile, machine: choice.instanceType ?? ''})}`}>{t.choose.configure}<Go /></Link>
      </div>
      <dl className="best-figures">
        {k.fleetUsdPerMonth !== undefined ? (
          <Big label={t.choose.perMonth} note={k.replicas ? t.choose.replicas(k.replicas) : undefined}>
            <Figure evidence={k.evidence} lines={[`${usd(k.fleetUsdPerHour ?? 0)} × 730 h`, k.price?.sentence ?? k.price?.source]}>{usd(k.fleetUsdPerMonth)}</Figure>
          </Big>
        ) : (
          <Big label={t.choose.noPrice} note={k.noCost}>–</Big>
        )}
        {k.usdPerMillionOutputTokens !== undefined && (
          <Big label={t.choose.perMillion} note={k.usdPerMillionInputTokens !== undefined ? `${usd(k.usdPerMillionInputTokens)} ${t.choose.perMillionIn}` : undefined}>
            <Figure evidence={k.evidence} lines={[k.price?.sentence ?? k.price?.source]}>{usd(k.usdPerMillionOutputTokens)}</Figure>
          </Big>
        )}
        {shown.slice(0, 3).map((metric) => {
          const figure = latencyOf(op.latencyMilliseconds, metric, ask.statistic);
          if (!figure) return null;
          const target = ask.targets[metric];
          return (
            <Big key={metric} label={`${t.choose.metricShort[metric]} ${figure.statistic}`} note={target !== undefined ? t.choose.atMost(milliseconds(target)) : undefined}>
              <Figure evidence={k.evidence} lines={[t.choose.metric[metric]]}>{milliseconds(figure.value)}</Figure>
            </Big>
          );
        })}
        {op.outputTokensPerSecond !== undefined && (
          <Big label={t.choose.tokensPerSecond} note={op.requestsPerSecond !== undefined ? `${digits(op.requestsPerSecond)} ${t.choose.requestsPerSecond}` : undefined}>
            <Figure evidence={k.evidence} lines={[t.choose.tokensPerSecond]}>{short(op.outputTokensPerSecond)}</Figure>
          </Big>
        )}
      </dl>
      <Fold title={t.choose.why} level={2}>
        <ul className="lines">{k.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
        <p className="fine">{k.evidence.sentence}</p>
      </Fold>
    </section>
  );
}

function Big({label, note, children}: {label: string; note?: string | undefined; children: React.ReactNode}) {
  return (
    <div className="big">
      <dt>{label}</dt>
      <dd className="big-value">{children}</dd>
      {note && <dd className="fine">{note}</dd>}
    </div>
  );
}

function Nothing({answer, ask}: {answer: Recommendation; ask: Ask}) {
  const asked = metrics.filter((m) => ask.targets[m] !== undefined);
  return (
    <Empty title={asked.length > 0 ? t.choose.none : t.choose.noneNoTargets}>
      {asked.length > 0 && answer.reachable && (
        <>
          <p>{t.choose.noneReach}</p>
          <ul className="lines">
            {asked.map((m) => answer.reachable![m] && <li key={m}>{t.choose.noneReachRow(t.choose.metric[m], milliseconds(answer.reachable![m]!.minMilliseconds))}</li>)}
          </ul>
        </>
      )}
      <p>{asked.length > 0 ? t.choose.noneDo : t.choose.noneDoNothing}</p>
    </Empty>
  );
}

function Compare({ask, ids, change, ticked}: {ask: Ask; ids: string[]; change: (c: Partial<Ask>) => void; ticked: boolean}) {
  const answer = useComparison(ask, ids);
  const heading = useRef<HTMLHeadingElement>(null);
  const ys = metrics.map((m) => ({id: m, name: t.choose.metricShort[m]}));
  const xs = Object.entries(t.chart.xs).map(([id, name]) => ({id, name}));
  return (
    <section className="compare" aria-labelledby="chart">
      <div className="section-head">
        <h2 id="chart" ref={heading}>{t.chart.title}</h2>
        <div className="chart-axes">
          <Segments label={t.chart.y} hideLabel value={ask.y} options={ys} onChange={(y) => change({y: y as Ask['y']})} />
          <Segments label={t.chart.x} hideLabel value={ask.x} options={xs} onChange={(x) => change({x})} />
        </div>
      </div>
      {answer.isError ? (
        <Trouble error={answer.error} retry={() => void answer.refetch()} />
      ) : !answer.data ? (
        <Loading what={t.chart.loading} lines={6} />
      ) : (
        <Suspense fallback={<Loading what={t.chart.loading} lines={6} />}>
          <ol className="curves">
            {answer.data.curves.map((curve, i) => (
              <li key={curve.profile} className={`series series-${'abcd'[i]}`}>
                <span className="letter" aria-hidden="true">{'ABCD'[i]}</span>
                <Link href={`/profile/${encodeURIComponent(curve.profile)}?${writeAsk({...ask, compare: []})}`}>{curve.name}</Link>
                <span className="fine">{curve.knee.sentence}</span>
                {ticked && (
                  <Button className="icon-button" aria-label={t.chart.remove(curve.name)} onPress={() => change({compare: ids.filter((id) => id !== curve.profile)})}><Close /></Button>
                )}
              </li>
            ))}
          </ol>
          <Chart data={answer.data} />
          {!ticked && <p className="fine">{t.chart.best}</p>}
          {answer.data.notes?.map((note) => <p key={note} className="fine">{note}</p>)}
          <Fold title={t.chart.data}><ChartNumbers data={answer.data} /></Fold>
        </Suspense>
      )}
    </section>
  );
}

function Small({answer}: {answer: Recommendation}) {
  const rejected = answer.rejected ?? [];
  return (
    <section className="small">
      {answer.assumptions && <p className="fine">{t.choose.assumptions}: {answer.assumptions}</p>}
      {(answer.notes?.length ?? 0) > 0 && (
        <Fold title={t.choose.notes}><ul className="lines">{answer.notes!.map((note) => <li key={note}>{note}</li>)}</ul></Fold>
      )}
      {rejected.length > 0 && (
        <Fold title={t.choose.rejected(answer.totalRejected ?? rejected.length)}>
          <ul className="rejected">
            {rejected.map((row, i) => (
              <li key={i}><span className="reason">{t.choose.reasons[row.reason] ?? row.reason}</span> <span>{row.sentence}</span></li>
            ))}
          </ul>
        </Fold>
      )}
    </section>
  );
}

