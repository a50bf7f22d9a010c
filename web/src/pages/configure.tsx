import {useState} from 'react';
import {Tab, TabList, TabPanel, Tabs} from 'react-aria-components';
import {Link} from 'wouter';
import {useAddress, useAsk, useThrottled} from '../ask';
import {useInfo, useManifest, useProfile} from '../api/queries';
import type {Info, Manifest} from '../api/types';
import {accelerator, load, milliseconds, seconds, short, usd} from '../format';
import {Command, CopyButton, SaveButton} from '../parts/copy';
import {Count, Group, Pick, Segments, Words} from '../parts/fields';
import {Back} from '../parts/icons';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {Yaml} from '../parts/yaml';
import {manifestBody, optionNames, readOptions, writeAsk, writeOptions, type Ask, type Options} from '../url';
import {t} from '../text';
import {Deploy} from './deploy';

const named = (names: Record<string, string>, ids: string[]) => ids.map((id) => ({id, name: names[id] ?? id}));

export default function Configure() {
  const [ask] = useAsk();
  const [options, change] = useAddress<Options>(readOptions, writeOptions, optionNames);
  useTitle(t.configure.title, ask.model);
  if (!ask.model || (!options.profile && ask.accelerators.length !== 1)) {
    return (
      <div className="page">
        <Empty title={t.configure.noSetup} action={<Link className="button" href={ask.model ? `/choose?${writeAsk(ask)}` : '/'}>{ask.model ? t.choose.title : t.toModels}</Link>}>
          {t.configure.noSetupDo}
        </Empty>
      </div>
    );
  }
  return options.profile
    ? <OfProfile ask={ask} options={options} change={change} />
    : <Page ask={ask} options={options} change={change} setup={{modelServer: ask.server, modelServerVersion: ask.version, acceleratorType: ask.accelerators[0]!}} />;
}

interface Parts {
  ask: Ask;
  options: Options;
  change: (c: Partial<Options>) => void;
}

function OfProfile(parts: Parts) {
  const profile = useProfile(parts.options.profile, parts.ask);
  if (profile.isError) return <div className="page"><h1>{t.configure.title}</h1><Trouble error={profile.error} retry={() => void profile.refetch()} /></div>;
  if (!profile.data) return <div className="page"><Loading lines={8} /></div>;
  return <Page {...parts} setup={profile.data.profile.setup} />;
}

function Page({ask, options, change, setup}: Parts & {setup: {modelServer: string; modelServerVersion?: string; acceleratorType: string; acceleratorCount?: number}}) {
  const info = useInfo();
  const body = useThrottled(manifestBody(ask, options, setup), 250);
  const answer = useManifest(body);
  const back = `/choose?${writeAsk(ask)}`;
  return (
    <div className="page configure">
      <div className="page-head">
        <h1>{t.configure.title}</h1>
        <Link className="fine with-icon" href={back}><Back />{t.profile.back}</Link>
        <p className="lead">
          <strong>{ask.model}</strong>, {[setup.modelServer, setup.modelServerVersion].filter(Boolean).join(' ')}
          {', '}{(setup.acceleratorCount ?? 1) > 1 ? `${setup.acceleratorCount} × ` : ''}{accelerator(setup.acceleratorType)}. {t.configure.lead}
        </p>
      </div>
      <div className="configure-columns">
        <section aria-label={t.configure.form} className="configure-form">
          {info.data ? <Form options={options} change={change} info={info.data} /> : <Loading lines={8} />}
        </section>
        <section aria-label={t.configure.yaml} className="configure-result">
          {answer.isError ? (
            <Trouble error={answer.error} retry={() => void answer.refetch()} />
          ) : !answer.data ? (
            <Loading lines={14} />
          ) : (
            <Written manifest={answer.data} updating={answer.isFetching} />
          )}
        </section>
      </div>
      {answer.data?.promise?.profile && options.profile && answer.data.promise.profile !== options.profile && (
        <p className="notice" role="status">{t.configure.otherProfile(answer.data.promise.profile)}</p>
      )}
      {answer.data && !answer.isError && <After manifest={answer.data} info={info.data} body={body} namespace={options.namespace || String(info.data?.defaults.namespace ?? 'default')} />}
    </div>
  );
}

function Form({options, change, info}: {options: Options; change: Parts['change']; info: Info}) {
  const {choices, defaults} = info;
  const [bucket, setBucket] = useState(options.bucket !== '');
  return (
    <div className="controls">
      <Group title={t.configure.source}>
        <Segments label={t.configure.source} hideLabel value={bucket ? 'bucket' : 'hub'}
          options={[{id: 'hub', name: t.configure.sourceHub}, {id: 'bucket', name: t.configure.sourceBucket}]}
          onChange={(id) => {
            setBucket(id === 'bucket');
            if (id === 'hub') change({bucket: ''});
          }} />
        {bucket && <Words label={t.configure.bucket} value={options.bucket} onChange={(text) => change({bucket: text})} placeholder="gs://my-bucket/llama" hint={t.configure.bucketHint} />}
        <Pick label={t.configure.storage} value={options.storage} onChange={(storage) => change({storage})}
          options={[{id: '', name: t.configure.storageAuto}, ...named(t.configure.storageNames, choices.storages.filter((s) => s !== 'auto'))]} />
      </Group>
      <Group title={t.configure.platform}>
        <Pick label={t.configure.platform} value={options.platform || String(defaults.platform ?? 'gke')} onChange={(platform) => change({platform: platform === defaults.platform ? '' : platform})}
          options={choices.platforms.map((p) => ({id: p.name, name: p.title}))} />
        <Words label={t.configure.namespace} value={options.namespace} onChange={(namespace) => change({namespace})} placeholder={String(defaults.namespace ?? 'default')} />
      </Group>
      <Group title={t.configure.scaling}>
        <Pick label={t.configure.autoscaler} value={options.autoscaler} onChange={(autoscaler) => change({autoscaler})}
          options={[{id: '', name: t.configure.autoscalers['']!}, ...named(t.configure.autoscalers, choices.autoscalers)]} />
        {options.autoscaler !== 'none' && (
          <Pick label={t.configure.signal} value={options.signal || 'auto'} onChange={(signal) => change({signal: signal === 'auto' ? '' : signal})}
            options={named(t.configure.signals, choices.hpaSignals)} />
        )}
        <div className="pair">
          <Count label={t.configure.minReplicas} value={options.min} min={1} max={10_000} onChange={(min) => change({min})} placeholder="1" />
          <Count label={t.configure.maxReplicas} value={options.max} min={1} max={10_000} onChange={(max) => change({max})} placeholder="5" />
        </div>
      </Group>
      <Group title={t.configure.size}>
        <div className="pair">
          <Count label={t.configure.accelerators} value={options.count} min={1} max={1024} onChange={(count) => change({count})} placeholder={t.configure.acceleratorsAuto} />
          <Count label={t.configure.maxModelLen} value={options.length} min={1} max={10_000_000} onChange={(length) => change({length})} placeholder={t.configure.asModel} />
        </div>
        <Pick label={t.configure.multiHost} value={options.hosts || 'auto'} onChange={(hosts) => change({hosts: hosts === 'auto' ? '' : hosts})}
          options={named(t.configure.multiHosts, choices.multiHostStarts)} />
        <Pick label={t.configure.gateway} value={options.gateway} onChange={(gateway) => change({gateway})}
          options={[{id: '', name: t.configure.gateways['']!}, ...named(t.configure.gateways, choices.servingStacks)]} />
      </Group>
    </div>
  );
}

function Written({manifest, updating}: {manifest: Manifest; updating: boolean}) {
  const files = manifest.files ?? [];
  const tabs = [
    {id: 'all', name: t.configure.all, text: manifest.yaml},
    ...manifest.objects.map((o, i) => ({id: `o${i}`, name: o.kind, hint: o.name, text: o.content})),
    ...files.map((f) => ({id: `f-${f.path}`, name: f.path, text: f.text})),
  ];
  const [open, setOpen] = useState('all');
  const shown = tabs.find((tab) => tab.id === open) ?? tabs[0]!;
  return (
    <Tabs className="written" selectedKey={shown.id} onSelectionChange={(key) => setOpen(String(key))}>
      <div className="section-head">
        <h2>{t.configure.yaml} {updating && <span className="fine" role="status">{t.configure.updating}</span>}</h2>
        <div className="buttons">
          <CopyButton text={shown.text} what={shown.name} />
          <SaveButton name={shown.id === 'all' ? 'deploy.yaml' : shown.id.startsWith('f-') ? shown.name : `${shown.name.toLowerCase()}.yaml`} text={shown.text} />
        </div>
      </div>
      <TabList className="tabs" aria-label={t.configure.yaml} items={tabs}>
        {(tab) => <Tab id={tab.id} className="tab">{tab.name}</Tab>}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className="tab-panel"><Yaml text={tab.text} label={tab.name} /></TabPanel>
      ))}
    </Tabs>
  );
}

function After({manifest, info, body, namespace}: {manifest: Manifest; info: Info | undefined; body: Record<string, unknown>; namespace: string}) {
  const {promise, storage = [], commands = {}, notes = []} = manifest;
  return (
    <div className="after">
      <section aria-labelledby="deploy"><h2 id="deploy">{t.configure.deploy}</h2><Deploy info={info} body={body} namespace={namespace} /></section>
      <section aria-labelledby="commands">
        <h2 id="commands">{t.configure.commands}</h2>
        <ol className="commands">
          {(['cluster', 'prepare', 'apply', 'reach', 'try', 'more'] as const).map((step) => {
            const lines = commands[step] ?? [];
            return lines.length > 0 && (
              <li key={step}>
                <h3>{t.configure.commandTitles[step]}</h3>
                {lines.map((line) => <Command key={line} text={line} />)}
              </li>
            );
          })}
        </ol>
      </section>
      {promise && (
        <section aria-labelledby="promise">
          <h2 id="promise">{t.configure.promise}</h2>
          <dl className="facts">
            {promise.load !== undefined && <><dt>{t.choose.columns.load}</dt><dd>{load(promise.load, promise.loadUnit ?? '')}</dd></>}
            {promise.ttftMilliseconds !== undefined && <><dt>{t.choose.metric.ttft}</dt><dd>{milliseconds(promise.ttftMilliseconds)}</dd></>}
            {promise.tpotMilliseconds !== undefined && <><dt>{t.choose.metric.tpot}</dt><dd>{milliseconds(promise.tpotMilliseconds)}</dd></>}
            {promise.outputTokensPerSecond !== undefined && <><dt>{t.choose.columns.output}</dt><dd>{short(promise.outputTokensPerSecond)}</dd></>}
            {promise.profile && <><dt>{t.profile.title}</dt><dd><Link href={`/profile/${encodeURIComponent(promise.profile)}`}>{promise.profile}</Link></dd></>}
          </dl>
          {promise.evidence && <p className="fine">{promise.evidence}</p>}
        </section>
      )}
      {storage.length > 0 && (
        <section className="wide">
          <h2 id="starts">{t.configure.starts}</h2>
          <div className="scroll" tabIndex={0} role="region" aria-label={t.configure.starts}>
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{t.configure.startsColumns.storage}</th><th scope="col" className="right">{t.configure.startsColumns.start}</th>
                  <th scope="col" className="right">{t.configure.startsColumns.month}</th><th scope="col">{t.configure.startsColumns.evidence}</th>
                </tr>
              </thead>
              <tbody>
                {storage.map((row) => (
                  <tr key={row.storage} data-selected={row.chosen || undefined}>
                    <th scope="row">{t.configure.storageNames[row.storage] ?? row.storage}{row.chosen && <span className="fine"> {t.configure.chosen}</span>}{row.possible === false && <span className="fine"> {t.configure.notPossible}</span>}</th>
                    <td className="right">{row.startSeconds === undefined || row.possible === false ? '–' : seconds(row.startSeconds)}</td>
                    <td className="right">{row.usdPerMonth === undefined || row.possible === false ? '–' : usd(row.usdPerMonth)}</td>
                    <td className="fine">{(row.possible === false ? [row.whyNot] : [row.fetchEvidence, row.needs]).filter(Boolean).join('; ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {notes.length > 0 && (
        <section aria-labelledby="notes"><h2 id="notes">{t.configure.notes}</h2><ul className="lines">{notes.map((note) => <li key={note}>{note}</li>)}</ul></section>
      )}
    </div>
  );
}
