import {useRef, useState} from 'react';
import {Button, ListBox, ListBoxItem, Popover, DialogTrigger, Dialog} from 'react-aria-components';
import {useInfo, useUseCases} from '../api/queries';
import type {Metric, Model, Recommendation} from '../api/types';
import {accelerator, digits, milliseconds, percent, tokens, usd} from '../format';
import {Mark} from '../parts/evidence';
import {Group, Pick, Range, Segments, Toggle} from '../parts/fields';
import {Down} from '../parts/icons';
import {around} from '../parts/scale';
import {metrics, nothingAsked, type Ask} from '../url';
import {t} from '../text';

const statistics = ['mean', 'p50', 'p90', 'p99'] as const;
// Before the first answer says what can be reached.
const usual: Record<Metric, [number, number]> = {ttft: [20, 20_000], tpot: [2, 200], itl: [2, 200], ntpot: [2, 500], e2e: [200, 100_000]};

export function Controls({ask, change, model, answer}: {ask: Ask; change: (c: Partial<Ask>) => void; model: Model | null; answer: Recommendation | undefined}) {
  const info = useInfo();
  const useCases = useUseCases();
  const choices = info.data?.choices;
  const own = ask.input !== undefined && ask.output !== undefined;
  const [more, setMore] = useState(() => metrics.slice(2).some((m) => ask.targets[m] !== undefined));
  const ends = useEnds(ask.model, answer);
  const cases = useCases.data?.useCases ?? [];
  const standard = String(info.data?.defaults.useCase ?? cases[0]?.name ?? '');
  const chosenCase = ask.useCase || standard;

  const target = (metric: Metric) => {
    const {least, most} = ends(metric);
    return (
      <Range key={metric} label={t.choose.metric[metric]} value={ask.targets[metric]} least={least} most={most} unit="ms" absent={t.choose.off}
        off={t.choose.offAction(t.choose.metric[metric])} format={(v) => `≤ ${milliseconds(v)}`}
        onChange={(value) => change({targets: {...ask.targets, [metric]: value}})} />
    );
  };

  const servers = [...new Set([...(model?.modelServers ?? []), ...(ask.server ? [ask.server] : [])])];
  return (
    <div className="controls">
      <Group title={t.choose.targets}>
        <Segments label={t.choose.statistic} hideLabel value={ask.statistic} options={statistics.map((s) => ({id: s, name: s}))}
          onChange={(s) => change({statistic: s as Ask['statistic']})} />
        {metrics.slice(0, 2).map(target)}
        {more ? metrics.slice(2).map(target) : <Button className="disclosure-button" onPress={() => setMore(true)}><Down />{t.choose.moreTargets}</Button>}
      </Group>

      <Group title={t.choose.workload}>
        <Pick label={t.choose.useCase} value={own ? 'own-lengths' : chosenCase}
          options={[
            ...cases.map((c) => ({id: c.name, name: c.name, hint: t.choose.lengths(c.averageInputLength, c.averageOutputLength)})),
            {id: 'own-lengths', name: t.choose.ownLengths},
          ]}
          onChange={(id) => {
            const from = cases.find((c) => c.name === chosenCase);
            if (id === 'own-lengths') change({input: from?.averageInputLength ?? 1024, output: from?.averageOutputLength ?? 256});
            else change({useCase: id === standard ? '' : id, input: undefined, output: undefined});
          }} />
        {own && (
          <>
            <Range label={t.choose.input} value={ask.input} least={16} most={131_072} unit="tok" absent="" format={(v) => tokens(v)}
              onChange={(v) => v !== undefined && change({input: Math.max(1, Math.round(v))})} />
            <Range label={t.choose.output} value={ask.output} least={16} most={16_384} unit="tok" absent="" format={(v) => tokens(v)}
              onChange={(v) => v !== undefined && change({output: Math.max(1, Math.round(v))})} />
          </>
        )}
      </Group>

      <Group title={t.choose.load}>
        <Range label={t.choose.expected} value={ask.load} least={0.1} most={1000} rest={1} unit="/s" absent={t.choose.expectedOff}
          off={t.choose.offAction(t.choose.expected)} format={(v) => `${digits(v)}/s`} onChange={(load) => change({load})} />
        <Range label={t.choose.headroom} value={ask.headroom} least={0} most={0.9} linear unit="" absent="" format={percent}
          onChange={(v) => change({headroom: v ?? nothingAsked.headroom})} />
        <Toggle label={t.choose.spare} value={ask.spare} onChange={(spare) => change({spare})} />
      </Group>

      <Group title={t.choose.price}>
        <Segments label={t.choose.pricing} value={ask.pricing} onChange={(pricing) => change({pricing})}
          options={(choices?.pricingModels ?? [ask.pricing]).map((id) => ({id, name: t.choose.pricings[id] ?? id}))} />
        <Pick label={t.choose.provider} value={ask.provider} onChange={(provider) => change({provider, region: ''})}
          options={(choices?.providers ?? [ask.provider]).map((id) => ({id, name: id === 'any' ? t.choose.anyProvider : (t.choose.clouds[id] ?? id)}))} />
        <Pick label={t.choose.region} value={ask.region} onChange={(region) => change({region})}
          options={[
            {id: '', name: t.choose.anyRegion},
            ...(choices?.regions ?? []).filter((r) => ask.provider === 'any' || r.provider === ask.provider)
              .map((r) => ({id: r.region, name: r.region, ...(r.place ? {hint: r.place} : {})})),
          ]} />
        <Range label={t.choose.maxCost} value={ask.maxUsdPerMillionOutput} least={0.02} most={50} unit="$" absent={t.choose.off}
          off={t.choose.offAction(t.choose.maxCost)} format={(v) => `≤ ${usd(v)}`} onChange={(maxUsdPerMillionOutput) => change({maxUsdPerMillionOutput})} />
      </Group>

      <Group title={t.choose.setup}>
        <Pick label={t.choose.server} value={ask.server} onChange={(server) => change({server, version: ''})}
          options={[{id: '', name: t.choose.anyServer}, ...servers.map((s) => ({id: s, name: s}))]} />
        <Accelerators ask={ask} change={change} model={model} />
        <Pick label={t.choose.decoding} value={ask.decoding} onChange={(decoding) => change({decoding})}
          options={(choices?.decodings ?? [ask.decoding]).map((id) => ({id, name: t.choose.decodings[id] ?? id}))} />
        <Segments label={t.choose.evidence} value={ask.evidence} onChange={(evidence) => change({evidence})}
          options={(choices?.evidences ?? [ask.evidence]).map((id) => ({id, name: t.choose.evidences[id] ?? id}))} />
      </Group>

      <Button className="button" onPress={() => change({...nothingAsked, model: ask.model, input: undefined, output: undefined, load: undefined, maxUsdPerMillionOutput: undefined})}>
        {t.choose.reset}
      </Button>
    </div>
  );
}

/** Several accelerators of those that have figures for the model. */
function Accelerators({ask, change, model}: {ask: Ask; change: (c: Partial<Ask>) => void; model: Model | null}) {
  const known = model?.accelerators ?? [];
  const items = [
    ...known.map((a) => ({id: a.acceleratorType, evidence: a.evidence, profiles: a.profiles})),
    ...ask.accelerators.filter((id) => !known.some((a) => a.acceleratorType === id)).map((id) => ({id, evidence: 'none' as const, profiles: 0})),
  ];
  const shown = ask.accelerators.length === 0 ? t.choose.anyAccelerator : ask.accelerators.map(accelerator).join(', ');
  return (
    <div className="field">
      <span className="field-label" aria-hidden="true">{t.choose.accelerator}</span>
      <DialogTrigger>
        <Button className="select" aria-label={`${t.choose.accelerator}: ${shown}`}><span className="select-value">{shown}</span><Down /></Button>
        <Popover className="popover" offset={4}>
          <Dialog aria-label={t.choose.accelerator}>
            <ListBox className="listbox" aria-label={t.choose.accelerator} items={items} selectionMode="multiple" selectedKeys={ask.accelerators}
              onSelectionChange={(keys) => change({accelerators: keys === 'all' ? items.map((i) => i.id) : [...keys].map(String).sort()})}>
              {(item) => (
                <ListBoxItem id={item.id} textValue={accelerator(item.id)} className="option option-row">
                  <Mark kind={item.evidence} />
                  <span>{accelerator(item.id)}</span>
                  <span className="option-hint">{t.models.profiles(item.profiles)}</span>
                </ListBoxItem>
              )}
            </ListBox>
          </Dialog>
        </Popover>
      </DialogTrigger>
    </div>
  );
}

/** The sliders' ends: everything that was ever reachable for this model, so that they do not move under the thumb. */
function useEnds(model: string, answer: Recommendation | undefined) {
  const seen = useRef<{model: string; ranges: Partial<Record<Metric, [number, number]>>}>({model, ranges: {}});
  if (seen.current.model !== model) seen.current = {model, ranges: {}};
  for (const metric of metrics) {
    const reach = answer?.reachable?.[metric];
    if (!reach || !(reach.minMilliseconds > 0)) continue;
    const before = seen.current.ranges[metric] ?? [reach.minMilliseconds, reach.maxMilliseconds];
    seen.current.ranges[metric] = [Math.min(before[0], reach.minMilliseconds), Math.max(before[1], reach.maxMilliseconds)];
  }
  return (metric: Metric) => around(...(seen.current.ranges[metric] ?? usual[metric]));
}
