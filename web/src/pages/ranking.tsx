import {useState} from 'react';
import {Cell, Checkbox, Column, Row, Table, TableBody, TableHeader} from 'react-aria-components';
import {Link} from 'wouter';
import type {Choice, Statistic} from '../api/types';
import {common, latencyOf, setupName} from '../figures';
import {digits, load, milliseconds, short, usd} from '../format';
import {Figure, Mark} from '../parts/evidence';
import {Check} from '../parts/icons';
import {comparable, metrics, writeAsk, type Ask} from '../url';
import {t} from '../text';

interface Ranked {
  key: string;
  choice: Choice;
  rank: number;
}

/** The ranking. One tab stop; arrow keys go from figure to figure, each of which tells where it comes from. */
export function Ranking({rows, ask, change}: {rows: Ranked[]; ask: Ask; change: (c: Partial<Ask>) => void}) {
  const [full, setFull] = useState(false);
  const latencies = metrics.filter((m) => m === 'ttft' || m === 'tpot' || ask.targets[m] !== undefined);
  const statistics = Object.fromEntries(latencies.map((m) => [m, common(rows.map((r) => r.choice.kneepoint.operatingPoint.latencyMilliseconds), m, ask.statistic)]));
  const ticked = rows.filter((row) => ask.compare.includes(row.choice.kneepoint.profile)).map((row) => row.key);

  const tick = (keys: Set<string>) => {
    const now = new Set(rows.filter((row) => keys.has(row.key)).map((row) => row.choice.kneepoint.profile));
    // Those that are on the chart but not in the table of the moment stay; the order is that of ticking.
    const visible = new Set(rows.map((row) => row.choice.kneepoint.profile));
    const kept = ask.compare.filter((id) => now.has(id) || !visible.has(id));
    const next = [...kept, ...[...now].filter((id) => !kept.includes(id))];
    setFull(next.length > comparable);
    if (next.length <= comparable) change({compare: next});
  };

  return (
    <>
      <div className="scroll">
        <Table
          className="table ranking"
          aria-label={t.choose.table}
          selectionMode="multiple"
          selectedKeys={ticked}
          onSelectionChange={(keys) => tick(keys === 'all' ? new Set(rows.map((row) => row.key)) : new Set([...keys].map(String)))}
        >
          <TableHeader>
            <Column><span className="visually-hidden">{t.choose.columns.select}</span></Column>
            <Column isRowHeader>{t.choose.columns.setup}</Column>
            <Column className="right second">{t.choose.columns.load}</Column>
            {latencies.map((metric) => (
              <Column key={metric} className={`right ${metric === 'ttft' || ask.targets[metric] !== undefined ? '' : 'second'}`}>
                {t.choose.metricShort[metric]} {statistics[metric] ?? ask.statistic}
              </Column>
            ))}
            <Column className="right third">{t.choose.columns.output}</Column>
            <Column className="right second">{t.choose.columns.replicas}</Column>
            <Column className="right second">{t.choose.columns.million}</Column>
            <Column className="right">{t.choose.columns.month}</Column>
          </TableHeader>
          <TableBody>
            {rows.map((row) => <RankedRow key={row.key} row={row} ask={ask} latencies={latencies} statistics={statistics} />)}
          </TableBody>
        </Table>
      </div>
      <p className="fine" role="status">{full ? t.choose.compareFull : ''}</p>
    </>
  );
}

function RankedRow({row, ask, latencies, statistics}: {row: Ranked; ask: Ask; latencies: typeof metrics; statistics: Record<string, Statistic | undefined>}) {
  const {choice} = row;
  const k = choice.kneepoint;
  const op = k.operatingPoint;
  const name = setupName(choice);
  const whole = `${name.server}, ${name.hardware}`;
  const money = k.price ? (k.price.sentence ?? `${k.price.provider} ${k.price.region}, ${k.price.asOf}, ${k.price.source}`) : k.noCost;
  return (
    <Row id={row.key} textValue={whole}>
      <Cell>
        <Checkbox slot="selection" aria-label={t.choose.compareRow(whole)} className="tick"><span className="check"><Check /></span></Checkbox>
      </Cell>
      <Cell className="setup">
        <Link href={`/profile/${encodeURIComponent(k.profile)}?${writeAsk({...ask, compare: []})}`} className="setup-link" tabIndex={-1}>
          <span className="setup-hardware">{name.hardware}</span> <span>{name.server}</span>
        </Link>
        <span className="setup-facts">
          <span className={`kind kind-${k.evidence.kind}`}><Mark kind={k.evidence.kind} />{t.evidence[k.evidence.kind]}</span>
          {k.weightPrecision && <span>{k.weightPrecision}</span>}
          {choice.instanceType && <span>{choice.instanceType}</span>}
          {choice.workloadSpec && <span>{digits(choice.workloadSpec.averageInputLength, 6)}/{digits(choice.workloadSpec.averageOutputLength, 6)}</span>}
        </span>
      </Cell>
      <Cell className="right second">
        <Figure inTable evidence={k.evidence} lines={[load(op.load, op.loadUnit), t.choose.zone[op.zone], k.knee.sentence]}>{digits(op.load)}</Figure>
      </Cell>
      {latencies.map((metric) => {
        const figure = latencyOf(op.latencyMilliseconds, metric, ask.statistic);
        return (
          <Cell key={metric} className={`right ${metric === 'ttft' || ask.targets[metric] !== undefined ? '' : 'second'}`}>
            {figure ? (
              <Figure inTable evidence={k.evidence} lines={[`${t.choose.metric[metric]}, ${figure.statistic}`]}>
                {milliseconds(figure.value)}
                {figure.statistic !== (statistics[metric] ?? ask.statistic) && <span className="other"> {figure.statistic}</span>}
              </Figure>
            ) : '–'}
          </Cell>
        );
      })}
      <Cell className="right third">
        {op.outputTokensPerSecond === undefined ? '–' : <Figure inTable evidence={k.evidence} lines={[t.choose.tokensPerSecond]}>{short(op.outputTokensPerSecond)}</Figure>}
      </Cell>
      <Cell className="right second">{k.replicas === undefined ? '–' : digits(k.replicas)}</Cell>
      <Cell className="right second">
        {k.usdPerMillionOutputTokens === undefined ? '–' : <Figure inTable evidence={k.evidence} lines={[t.choose.perMillion, money]}>{usd(k.usdPerMillionOutputTokens)}</Figure>}
      </Cell>
      <Cell className="right">
        {k.fleetUsdPerMonth === undefined ? (
          <Figure inTable evidence={undefined} lines={[k.noCost]}>{t.choose.noPrice}</Figure>
        ) : (
          <Figure inTable evidence={k.evidence} lines={[`${usd(k.fleetUsdPerHour ?? 0)} × 730 h`, money]}>{usd(k.fleetUsdPerMonth)}</Figure>
        )}
      </Cell>
    </Row>
  );
}
