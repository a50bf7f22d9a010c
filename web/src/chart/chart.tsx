import {area, line} from 'd3-shape';
import {useEffect, useMemo, useRef, useState} from 'react';
import type {Comparison, Curve} from '../api/types';
import {digits, load, milliseconds, short, usd} from '../format';
import {EvidenceText, Kind, useTelling} from '../parts/evidence';
import {t} from '../text';
import {axis, spans} from './axis';

// The chart is drawn by React from the scales and shapes of d3: each point is an element with a name
// of its own, reached by arrow keys, and no style is written into the page (the server's content
// security policy would refuse it).

export const letters = ['A', 'B', 'C', 'D'];
const margin = {top: 14, right: 16, bottom: 44, left: 62};

/** On an axis a round second is a second. */
const tickTime = (ms: number) => (ms >= 1000 ? `${digits(ms / 1000)} s` : milliseconds(ms));

export function xText(name: string, value: number): string {
  return name === 'usdPerMillionOutputTokens' ? usd(value) : short(value);
}

interface Focus {
  curve: number;
  point: number;
}

export function Chart({data, height = 340}: {data: Comparison; height?: number}) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  const [focus, setFocus] = useState<Focus>({curve: 0, point: 0});
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(280, Math.round(entry!.contentRect.width))));
    watch.observe(frame.current!);
    return () => watch.disconnect();
  }, []);

  const curves = useMemo(
    () => data.curves.map((curve) => ({...curve, points: [...curve.points].filter((p) => p.y > 0).sort((a, b) => a.load - b.load)})),
    [data],
  );
  const zoneRows = curves.filter((curve) => curve.points.some((p) => p.zone && p.zone !== 'unknown') && curve.points.length > 1);
  const strip = zoneRows.length * 9;
  const inner = {width: width - margin.left - margin.right, height: height - margin.top - margin.bottom - strip};
  const all = curves.flatMap((curve) => curve.points);
  if (all.length === 0) return <div ref={frame}><p className="fine">{t.chart.none}</p></div>;

  const ys = all.flatMap((p) => [p.y, p.yLow ?? p.y, p.yHigh ?? p.y]);
  if (data.target) ys.push(data.target.milliseconds);
  const x = axis(all.map((p) => p.x), 0, inner.width, data.x.name === 'load' ? 'log' : 'linear', width < 500 ? 4 : 8);
  const y = axis(ys, inner.height, 0, 'auto', 10);
  const yName = `${data.y.label}${data.y.statistic ? ` ${data.y.statistic}` : ''}`;

  const move = (event: React.KeyboardEvent) => {
    const step: Record<string, [number, number]> = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]};
    let next = {...focus};
    if (event.key === 'Home') next.point = 0;
    else if (event.key === 'End') next.point = curves[focus.curve]!.points.length - 1;
    else if (step[event.key]) {
      const [dc, dp] = step[event.key]!;
      const curve = Math.min(curves.length - 1, Math.max(0, focus.curve + dc));
      next = {curve, point: Math.min(curves[curve]!.points.length - 1, Math.max(0, focus.point + dp))};
    } else return;
    event.preventDefault();
    setFocus(next);
    frame.current?.querySelector<SVGElement>(`[data-point="${next.curve}-${next.point}"]`)?.focus();
  };
  const at = {
    curve: Math.min(focus.curve, curves.length - 1),
    point: Math.min(focus.point, Math.max(0, curves[Math.min(focus.curve, curves.length - 1)]!.points.length - 1)),
  };

  return (
    <div ref={frame} className="chart">
      <svg width={width} height={height} role="group" aria-label={t.chart.label(curves.length, yName, data.x.label)} onKeyDown={move}>
        <g transform={`translate(${margin.left},${margin.top})`}>
          <g className="chart-axis" aria-hidden="true">
            {y.ticks.map((tick) => (
              <g key={tick} transform={`translate(0,${y(tick)})`}>
                <line x2={inner.width} className="chart-grid" />
                <text x={-8} dy=".32em" textAnchor="end">{tickTime(tick)}</text>
              </g>
            ))}
            {x.ticks.map((tick) => (
              <g key={tick} transform={`translate(${x(tick)},${inner.height})`}>
                <line y2={4} className="chart-tick" />
                <text y={17} textAnchor="middle">{xText(data.x.name, tick)}</text>
              </g>
            ))}
            <line x2={inner.width} transform={`translate(0,${inner.height})`} className="chart-base" />
            <text className="chart-title" x={inner.width} y={inner.height + 35 + strip} textAnchor="end">{data.x.label} →</text>
            <text className="chart-title" x={4} y={-2}>↑ {yName}</text>
          </g>

          {curves.map((curve, i) => <Lines key={curve.profile} curve={curve} color={i} x={x} y={y} />)}

          {data.target && (
            <g className="chart-target" transform={`translate(0,${y(data.target.milliseconds)})`}>
              <line x2={inner.width} />
              <text x={inner.width} y={-5} textAnchor="end">{t.chart.target(milliseconds(data.target.milliseconds))}</text>
            </g>
          )}

          {curves.map((curve, i) => (
            <g key={curve.profile} className={`series series-${letters[i]!.toLowerCase()}`}>
              <KneeMark curve={curve} x={x} y={y} alone={curves.length === 1} />
              {curve.points.map((point, j) => (
                <Dot key={point.load} data={data} curve={curve} letter={letters[i]!} point={point} place={`${i}-${j}`} cx={x(point.x)} cy={y(point.y)}
                  reachable={at.curve === i && at.point === j} onFocus={() => setFocus({curve: i, point: j})} />
              ))}
              <Operating curve={curve} data={data} letter={letters[i]!} x={x} y={y} width={inner.width} />
            </g>
          ))}

          {zoneRows.map((curve, row) => {
            const i = curves.indexOf(curve);
            return (
              <g key={curve.profile} className={`series series-${letters[i]!.toLowerCase()} zones`} transform={`translate(0,${inner.height + 26 + row * 9})`} aria-hidden="true">
                <text x={-8} dy=".35em" textAnchor="end">{t.chart.zonesOf(letters[i]!)}</text>
                {spans(curve.points).map((span) => (
                  <line key={`${span.zone}${span.from}`} className={`zone zone-${span.zone}`} x1={x(span.from)} x2={Math.max(x(span.to), x(span.from) + 3)} />
                ))}
              </g>
            );
          })}
        </g>
      </svg>
      <ul className="chart-key" aria-label={t.evidence.legend}>
        <li><Kind kind="published">{t.chart.legendMeasured}</Kind></li>
        <li><Kind kind="predicted">{t.chart.legendPredicted}</Kind></li>
        {curves.some((c) => c.points.some((p) => p.yLow !== undefined)) && <li><span className="key-band" aria-hidden="true" />{t.chart.legendBand}</li>}
        {curves.some((c) => c.knee.state === 'found') && <li><span className="key-knee" aria-hidden="true" />{t.chart.legendKnee}</li>}
        {zoneRows.length > 0 && (
          <li className="key-zones">
            <svg width="22" height="8" aria-hidden="true"><line className="zone zone-below" x1="0" x2="22" y1="4" y2="4" /></svg>{t.choose.zone.below}
            <svg width="22" height="8" aria-hidden="true"><line className="zone zone-at" x1="0" x2="22" y1="4" y2="4" /></svg>{t.choose.zone.at}
            <svg width="22" height="8" aria-hidden="true"><line className="zone zone-past" x1="0" x2="22" y1="4" y2="4" /></svg>{t.choose.zone.past}
          </li>
        )}
      </ul>
    </div>
  );
}

type Place = (value: number) => number;

function Lines({curve, color, x, y}: {curve: Curve; color: number; x: Place; y: Place}) {
  const points = curve.points;
  const kind = curve.evidence.kind;
  const banded = points.filter((p) => p.yLow !== undefined && p.yHigh !== undefined);
  const band = area<Curve['points'][number]>().x((p) => x(p.x)).y0((p) => y(p.yLow!)).y1((p) => y(p.yHigh!));
  const path = line<Curve['points'][number]>().x((p) => x(p.x)).y((p) => y(p.y));
  // Past the knee a curve goes on, faintly: nobody should want to run there.
  const end = points.findIndex((p) => p.zone === 'past');
  const sound = end === -1 ? points : points.slice(0, end);
  const past = end === -1 ? [] : points.slice(Math.max(0, end - 1));
  return (
    <g className={`series series-${letters[color]!.toLowerCase()} line-${kind}`} aria-hidden="true">
      {banded.length > 1 && <path className="band" d={band(banded) ?? ''} />}
      <path className="curve" d={path(sound) ?? ''} />
      {past.length > 1 && <path className="curve curve-past" d={path(past) ?? ''} />}
    </g>
  );
}

function Dot({data, curve, letter, point, place, cx, cy, reachable, onFocus}: {
  data: Comparison; curve: Curve; letter: string; point: Curve['points'][number]; place: string; cx: number; cy: number; reachable: boolean; onFocus: () => void;
}) {
  const at = load(point.load, curve.loadUnit ?? '');
  const statistic = point.statistic ?? curve.statistic ?? data.y.statistic ?? '';
  const yText = `${data.y.label} ${statistic} ${milliseconds(point.y)}`;
  const xWords = `${xText(data.x.name, point.x)} ${data.x.unit}`;
  const kind = curve.evidence.kind;
  const telling = useTelling(
    <EvidenceText
      evidence={curve.evidence}
      lines={[
        `${letter} · ${at}`, yText, xWords,
        point.yLow !== undefined && point.yHigh !== undefined ? t.chart.band(milliseconds(point.yLow), milliseconds(point.yHigh)) : undefined,
        point.zone ? t.choose.zone[point.zone] : undefined,
      ]}
    />,
  );
  return (
    <g
      className="dot"
      role="img"
      tabIndex={reachable ? 0 : -1}
      data-point={place}
      aria-label={t.chart.point(letter, at, xWords, yText, t.evidence[kind])}
      transform={`translate(${cx},${cy})`}
      {...telling}
      onFocus={(event) => {
        onFocus();
        telling.onFocus(event);
      }}
    >
      <circle r="11" className="dot-reach" />
      {kind === 'predicted' ? <path className="dot-open" d="M0-5 5 0 0 5-5 0Z" /> : <circle className="dot-full" r={kind === 'measured' ? 3.2 : 4} />}
      {kind === 'measured' && <circle className="dot-ring" r="5.6" />}
    </g>
  );
}

function KneeMark({curve, x, y, alone}: {curve: Curve; x: Place; y: Place; alone: boolean}) {
  const {knee} = curve;
  if (knee.state !== 'found') return null;
  const point = knee.x !== undefined && knee.y !== undefined ? {x: knee.x, y: knee.y} : curve.points.find((p) => p.load === knee.load);
  if (!point) return null;
  return (
    <g className="knee" transform={`translate(${x(point.x)},${y(point.y)})`} aria-hidden="true">
      <circle r="10" />
      {alone && <text x="-14" y="-10" textAnchor="end">{t.chart.knee}</text>}
    </g>
  );
}

/** Where the answer would run it: the curve's letter, on a flag. */
function Operating({curve, data, letter, x, y, width}: {curve: Curve; data: Comparison; letter: string; x: Place; y: Place; width: number}) {
  const point = curve.choice?.kneepoint.operatingPoint;
  if (!point) return null;
  const figures = point.latencyMilliseconds[data.y.name as 'ttft'];
  const statistic = (curve.statistic ?? data.y.statistic ?? 'mean') as 'mean';
  const value = figures?.[statistic] ?? figures?.mean ?? figures?.p50;
  const across =
    data.x.name === 'load' ? point.load
    : data.x.name === 'requestsPerSecond' ? point.requestsPerSecond
    : data.x.name === 'usdPerMillionOutputTokens' ? curve.choice?.kneepoint.usdPerMillionOutputTokens
    : point.outputTokensPerSecond;
  if (value === undefined || across === undefined) return null;
  const left = x(across) > width - 30;
  return (
    <g className="operating" transform={`translate(${x(across)},${y(value)})`} aria-hidden="true">
      <line y2="-15" />
      <g transform={`translate(${left ? -16 : 0},-31)`}>
        <rect width="16" height="16" rx="4" />
        <text x="8" y="12" textAnchor="middle">{letter}</text>
      </g>
    </g>
  );
}
