import {useMutation} from '@tanstack/react-query';
import {useState} from 'react';
import {Button, DropZone, FileTrigger, Text, isFileDropItem} from 'react-aria-components';
import {Link} from 'wouter';
import {post} from '../api/client';
import {client, useInfo, useRuns} from '../api/queries';
import type {Imported} from '../api/types';
import {accelerator, digits, milliseconds, moment, short} from '../format';
import {latencyOf} from '../figures';
import {Count, Words} from '../parts/fields';
import {Fold} from '../parts/fold';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {t} from '../text';

const largest = 8_000_000;

export default function Runs() {
  useTitle(t.pages.runs);
  const runs = useRuns();
  return (
    <div className="page runs">
      <div className="page-head"><h1>{t.runs.title}</h1><p className="lead">{t.runs.lead}</p></div>
      <div className="results">
        {runs.isError ? <Trouble error={runs.error} retry={() => void runs.refetch()} />
          : !runs.data ? <Loading />
          : runs.data.runs.length === 0 ? <Empty title={t.runs.none}><p>{t.runs.noneDo}</p></Empty>
          : (
            <div className="scroll" tabIndex={0} role="region" aria-label={t.runs.title}>
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">{t.runs.columns.id}</th><th scope="col">{t.runs.columns.state}</th><th scope="col">{t.runs.columns.model}</th>
                    <th scope="col" className="right">{t.runs.columns.points}</th><th scope="col">{t.runs.columns.target}</th><th scope="col">{t.runs.columns.started}</th>
                  </tr>
                </thead>
                <tbody>
                  {runs.data.runs.map((run) => (
                    <tr key={run.id}>
                      <th scope="row"><Link href={`/runs/${encodeURIComponent(run.id)}`}>{run.id}</Link></th>
                      <td><span className={`state state-${run.state}`}>{t.runs.state[run.state] ?? run.state}</span></td>
                      <td>{run.model}</td>
                      <td className="right">{run.points === undefined ? '–' : digits(run.points)}</td>
                      <td>{run.target}</td>
                      <td>{run.startedAt && moment(run.startedAt)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        <Import />
      </div>
    </div>
  );
}

interface Given {
  model: string;
  modelServer: string;
  modelServerVersion: string;
  acceleratorType: string;
  acceleratorCount: number | undefined;
  weightPrecision: string;
}

function Import() {
  const info = useInfo();
  const [files, setFiles] = useState<{name: string; content: string}[]>([]);
  const [tooLarge, setTooLarge] = useState('');
  const [given, setGiven] = useState<Given>({model: '', modelServer: '', modelServerVersion: '', acceleratorType: '', acceleratorCount: undefined, weightPrecision: ''});
  const ask = useMutation({
    mutationFn: (dryRun: boolean) =>
      post<Imported>('/imports', {files, dryRun, given: Object.fromEntries(Object.entries(given).filter(([, v]) => v !== '' && v !== undefined))}),
    onSuccess: (_, dryRun) => {
      if (!dryRun) void client.invalidateQueries();
    },
  });
  const take = async (chosen: File[]) => {
    setTooLarge(chosen.find((f) => f.size > largest)?.name ?? '');
    const small = chosen.filter((f) => f.size <= largest);
    if (small.length === 0) return;
    setFiles(await Promise.all(small.map(async (f) => ({name: f.name, content: await f.text()}))));
    ask.reset();
  };
  const put = (change: Partial<Given>) => setGiven((now) => ({...now, ...change}));
  return (
    <section aria-labelledby="import" className="import">
      <h2 id="import">{t.runs.import}</h2>
      <p className="lead">{t.runs.importLead}</p>
      {info.data?.allowed.write === false ? <p className="fine">{t.models.readOnly}</p> : (
        <>
          <DropZone
            className="drop drop-large"
            aria-label={t.runs.import}
            onDrop={(event) => {
              const items = event.items.filter(isFileDropItem);
              void Promise.all(items.map((item) => item.getFile())).then(take);
            }}
          >
            <FileTrigger allowsMultiple onSelect={(list) => void take([...(list ?? [])])}><Button className="button">{t.runs.choose}</Button></FileTrigger>
            <Text slot="label" className="fine">{files.length > 0 ? files.map((f) => f.name).join(', ') : t.models.ownDrop}</Text>
          </DropZone>
          {tooLarge && <p role="alert">{t.runs.tooLarge(tooLarge)}</p>}
          {files.length > 0 && (
            <>
              <Fold title={t.runs.given}>
                <div className="given">
                  <Words label={t.runs.givenModel} value={given.model} onChange={(model) => put({model})} placeholder="owner/name" />
                  <Words label={t.runs.givenServer} value={given.modelServer} onChange={(modelServer) => put({modelServer})} placeholder="vllm" />
                  <Words label={t.runs.givenVersion} value={given.modelServerVersion} onChange={(modelServerVersion) => put({modelServerVersion})} placeholder="0.19.0" />
                  <Words label={t.runs.givenAccelerator} value={given.acceleratorType} onChange={(acceleratorType) => put({acceleratorType})} placeholder="nvidia-h100-80gb" />
                  <Count label={t.runs.givenCount} value={given.acceleratorCount} min={1} onChange={(acceleratorCount) => put({acceleratorCount})} placeholder="1" />
                  <Words label={t.runs.givenPrecision} value={given.weightPrecision} onChange={(weightPrecision) => put({weightPrecision})} placeholder="bf16" />
                </div>
              </Fold>
              <div className="buttons">
                <Button className="button" isDisabled={ask.isPending} onPress={() => ask.mutate(true)}>{t.runs.check}</Button>
                <Button className="button button-main" isDisabled={ask.isPending || !ask.data || ask.data.stored || ask.data.profiles.length === 0} onPress={() => ask.mutate(false)}>{t.runs.store}</Button>
              </div>
            </>
          )}
          <div aria-live="polite">
            {ask.isPending && <Loading />}
            {ask.isError && <Trouble error={ask.error} />}
            {ask.data && <Found answer={ask.data} />}
          </div>
        </>
      )}
    </section>
  );
}

function Found({answer}: {answer: Imported}) {
  if (answer.profiles.length === 0) return <Empty title={t.runs.none2}><ul className="lines">{answer.notes?.map((n) => <li key={n}>{n}</li>)}</ul></Empty>;
  return (
    <div className="found">
      <h3>{answer.stored ? t.runs.stored(answer.profiles.length) : t.runs.found(answer.profiles.length)}</h3>
      <div className="scroll" tabIndex={0} role="region" aria-label={t.runs.found(answer.profiles.length)}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t.choose.columns.setup}</th><th scope="col">{t.profile.workload}</th><th scope="col" className="right">{t.runs.points}</th>
              <th scope="col" className="right">{t.choose.columns.output}</th><th scope="col" className="right">{t.choose.metricShort.ttft}</th>
            </tr>
          </thead>
          <tbody>
            {answer.profiles.map((p) => {
              const last = p.points.at(-1);
              const ttft = latencyOf(last?.latencyMilliseconds, 'ttft', 'p50');
              const name = `${p.setup.model}, ${p.setup.modelServer}, ${accelerator(p.setup.acceleratorType ?? '')}`;
              return (
                <tr key={p.id}>
                  <th scope="row">{answer.stored ? <Link href={`/profile/${encodeURIComponent(p.id)}`}>{name}</Link> : name}</th>
                  <td>{p.workload.name}</td>
                  <td className="right">{digits(p.points.length)}</td>
                  <td className="right">{last?.outputTokensPerSecond === undefined ? '–' : short(last.outputTokensPerSecond)}</td>
                  <td className="right">{ttft ? milliseconds(ttft.value) : '–'}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <ul className="lines fine">
        {answer.notes?.map((n) => <li key={n}>{n}</li>)}
        {answer.differences?.map((d) => <li key={d.flag}>{d.sentence}</li>)}
      </ul>
    </div>
  );
}
