import {Suspense} from 'react';
import {Link} from 'wouter';
import {useAsk} from '../ask';
import {useComparison, useProfile} from '../api/queries';
import type {Profile, ProfileAnswer} from '../api/types';
import {Chart} from '../chart/later';
import {common, latencyOf, setupName} from '../figures';
import {accelerator, digits, load, milliseconds, short, usd} from '../format';
import {Figure, Kind} from '../parts/evidence';
import {Segments} from '../parts/fields';
import {Fold} from '../parts/fold';
import {Back, Go} from '../parts/icons';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {metrics, readOptions, writeAsk, writeOptions, type Ask} from '../url';
import {t} from '../text';


export default function ProfilePage({id}: {id: string}) {
  const [ask, change] = useAsk();
  const answer = useProfile(id, ask);
  const name = answer.data ? `${answer.data.profile.setup.modelServer}, ${accelerator(answer.data.profile.setup.acceleratorType)}` : id;
  useTitle(name, answer.data?.profile.setup.model);
  return (
    <div className="page profile">
      {answer.isError ? <><h1>{t.profile.title}</h1><Trouble error={answer.error} retry={() => void answer.refetch()} /></>
        : !answer.data ? <Loading lines={10} />
        : <Whole answer={answer.data} ask={{...ask, model: ask.model || answer.data.profile.setup.model}} change={change} />}
    </div>
  );
}

function Whole({answer, ask, change}: {answer: ProfileAnswer; ask: Ask; change: (c: Partial<Ask>) => void}) {
  const {profile, choice} = answer;
  const {setup} = profile;
  const count = setup.acceleratorCount ?? 1;
  const curve = useComparison(ask, [profile.id]);
  const configure = `/configure?${writeAsk({...ask, compare: []})}&${writeOptions({...readOptions(''), profile: profile.id, machine: choice?.instanceType ?? ''})}`;
  return (
    <>
      <div className="page-head">
        <h1>{count > 1 ? `${count} × ` : ''}{accelerator(setup.acceleratorType)} <span className="best-with">{[setup.modelServer, setup.modelServerVersion].filter(Boolean).join(' ')}</span></h1>
        <Link className="fine with-icon" href={`/choose?${writeAsk(ask)}`}><Back />{t.profile.back}</Link>
        <p className="lead"><Kind kind={profile.evidence.kind} /> · {setup.model} · {profile.knee.sentence}</p>
      </div>
      <div className="profile-columns">
        <div className="results">
          <section aria-labelledby="chart">
            <div className="section-head">
              <h2 id="chart">{t.chart.title}</h2>
              <div className="chart-axes">
                <Segments label={t.chart.y} hideLabel value={ask.y} options={metrics.map((m) => ({id: m, name: t.choose.metricShort[m]}))} onChange={(y) => change({y: y as Ask['y']})} />
                <Segments label={t.chart.x} hideLabel value={ask.x} options={Object.entries(t.chart.xs).map(([xid, n]) => ({id: xid, name: n}))} onChange={(x) => change({x})} />
              </div>
            </div>
            {curve.isError ? <Trouble error={curve.error} retry={() => void curve.refetch()} />
              : !curve.data ? <Loading lines={6} />
              : <Suspense fallback={<Loading lines={6} />}><Chart data={curve.data} height={360} /></Suspense>}
          </section>
          <section>
            <h2 id="points">{t.profile.points}</h2>
            <Points profile={profile} ask={ask} />
          </section>
        </div>
        <aside className="profile-side">
          {choice ? (
            <section className="card" aria-labelledby="operating">
              <h2 id="operating">{t.profile.operating}</h2>
              <p className="operating-money">
                {choice.kneepoint.fleetUsdPerMonth !== undefined
                  ? <><Figure evidence={choice.kneepoint.evidence} lines={[choice.kneepoint.price?.sentence ?? choice.kneepoint.price?.source]}>{usd(choice.kneepoint.fleetUsdPerMonth)}</Figure> <span className="fine">{t.choose.perMonth}, {t.choose.replicas(choice.kneepoint.replicas ?? 1)}</span></>
                  : <span className="fine">{choice.kneepoint.noCost ?? t.choose.noPrice}</span>}
              </p>
              <ul className="lines">{choice.kneepoint.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
              <Link className="button button-main" href={configure} aria-label={`${t.choose.configure}: ${setupName(choice).hardware}`}>{t.choose.configure}<Go /></Link>
            </section>
          ) : (
            <Empty title={t.profile.noChoice}><ul className="lines">{(answer.rejected ?? []).map((r) => <li key={r.sentence}>{r.sentence}</li>)}</ul></Empty>
          )}
          <section aria-labelledby="setup">
            <h2 id="setup">{t.profile.setup}</h2>
            <dl className="facts">
              {Object.entries(t.profile.labels).map(([key, label]) => {
                const value = setup[key];
                return typeof value === 'string' || typeof value === 'number' ? <div key={key} className="fact"><dt>{label}</dt><dd>{value}</dd></div> : null;
              })}
              <div className="fact"><dt>{t.profile.workload}</dt><dd>{profile.workload.name}</dd></div>
            </dl>
            {Array.isArray(setup.serverSettings) && setup.serverSettings.length > 0 && (
              <Fold title={t.profile.settings}><ul className="settings">{(setup.serverSettings as string[]).map((s) => <li key={s}><code>{s}</code></li>)}</ul></Fold>
            )}
          </section>
          <section aria-labelledby="source">
            <h2 id="source">{t.profile.source}</h2>
            <p>{profile.evidence.sentence}</p>
            {(profile.evidence.extrapolated?.length ?? 0) > 0 && <><p>{t.evidence.extrapolated}</p><ul className="lines">{profile.evidence.extrapolated!.map((e) => <li key={e}>{e}</li>)}</ul></>}
            {profile.evidence.nearest && <p><Link href={`/profile/${encodeURIComponent(profile.evidence.nearest)}`}>{t.evidence.nearest(profile.evidence.nearest)}</Link></p>}
            {profile.source && (
              <dl className="facts">
                {profile.source.displayName && <div className="fact"><dt>{t.profile.source}</dt><dd>{profile.source.displayName}</dd></div>}
                {profile.source.howMeasured && <div className="fact"><dt>{t.profile.howMeasured}</dt><dd>{profile.source.howMeasured}</dd></div>}
                {profile.source.repository && <div className="fact"><dt>{t.profile.repository}</dt><dd>{profile.source.repository}</dd></div>}
              </dl>
            )}
          </section>
        </aside>
      </div>
    </>
  );
}

function Points({profile, ask}: {profile: Profile; ask: Ask}) {
  const shown = metrics.filter((m) => profile.points.some((p) => p.latencyMilliseconds[m]));
  const statistics = Object.fromEntries(shown.map((m) => [m, common(profile.points.map((p) => p.latencyMilliseconds), m, ask.statistic)]));
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={t.profile.points}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col" className="right">{t.profile.columns.load}</th>
            <th scope="col">{t.profile.columns.zone}</th>
            <th scope="col" className="right">{t.profile.columns.output}</th>
            <th scope="col" className="right">{t.profile.columns.requests}</th>
            {shown.map((m) => <th scope="col" className="right" key={m}>{t.choose.metricShort[m]} {statistics[m] ?? ask.statistic}</th>)}
            <th scope="col" className="right">{t.profile.columns.million}</th>
          </tr>
        </thead>
        <tbody>
          {profile.points.map((point, i) => (
            <tr key={point.id ?? i} data-selected={profile.knee.state === 'found' && point.load === profile.knee.load ? true : undefined}>
              <th scope="row" className="right">{load(point.load, profile.loadUnit ?? '')}</th>
              <td>{t.choose.zoneShort[point.zone ?? 'unknown']}</td>
              <td className="right">{point.outputTokensPerSecond === undefined ? '–' : <Figure evidence={point.evidence ?? profile.evidence}>{short(point.outputTokensPerSecond)}</Figure>}</td>
              <td className="right">{point.requestsPerSecond === undefined ? '–' : digits(point.requestsPerSecond)}</td>
              {shown.map((m) => {
                const figure = latencyOf(point.latencyMilliseconds, m, ask.statistic);
                const band = point.band80Milliseconds?.[m];
                return (
                  <td key={m} className="right">
                    {figure ? (
                      <Figure evidence={point.evidence ?? profile.evidence} lines={[`${t.choose.metric[m]}, ${figure.statistic}`, band && t.chart.band(milliseconds(band.low), milliseconds(band.high))]}>
                        {milliseconds(figure.value)}{figure.statistic !== (statistics[m] ?? ask.statistic) && <span className="other"> {figure.statistic}</span>}
                      </Figure>
                    ) : '–'}
                  </td>
                );
              })}
              <td className="right">{point.usdPerMillionOutputTokens === undefined ? '–' : usd(point.usdPerMillionOutputTokens)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
