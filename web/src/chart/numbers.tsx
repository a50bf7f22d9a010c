import type {Comparison} from '../api/types';
import {load, milliseconds} from '../format';
import {Figure} from '../parts/evidence';
import {t} from '../text';
import {letters, xText} from './chart';

/** What the chart shows, as a table: the same points, for those who cannot see it or want the figures. */
export function ChartNumbers({data}: {data: Comparison}) {
  const banded = data.curves.some((curve) => curve.points.some((p) => p.yLow !== undefined));
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={t.chart.data}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t.chart.columns.curve}</th>
            <th scope="col" className="right">{t.chart.columns.load}</th>
            <th scope="col">{t.chart.columns.zone}</th>
            <th scope="col" className="right">{data.x.label}</th>
            <th scope="col" className="right">{data.y.label} {data.y.statistic}</th>
            {banded && <th scope="col" className="right">{t.chart.columns.low}</th>}
            {banded && <th scope="col" className="right">{t.chart.columns.high}</th>}
          </tr>
        </thead>
        <tbody>
          {data.curves.flatMap((curve, i) =>
            [...curve.points].sort((a, b) => a.load - b.load).map((point) => (
              <tr key={`${curve.profile}${point.load}`}>
                <th scope="row">{letters[i]} {curve.name}</th>
                <td className="right">{load(point.load, curve.loadUnit ?? '')}</td>
                <td>{t.choose.zoneShort[point.zone ?? 'unknown']}</td>
                <td className="right"><Figure evidence={curve.evidence}>{xText(data.x.name, point.x)}</Figure></td>
                <td className="right">
                  <Figure evidence={curve.evidence} lines={[point.statistic ?? curve.statistic]}>{milliseconds(point.y)}</Figure>
                </td>
                {banded && <td className="right">{point.yLow === undefined ? '' : milliseconds(point.yLow)}</td>}
                {banded && <td className="right">{point.yHigh === undefined ? '' : milliseconds(point.yHigh)}</td>}
              </tr>
            )),
          )}
        </tbody>
      </table>
    </div>
  );
}
