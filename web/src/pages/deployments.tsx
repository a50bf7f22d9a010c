import {useMutation} from '@tanstack/react-query';
import {useState} from 'react';
import {Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay} from 'react-aria-components';
import {Link} from 'wouter';
import {useAddress, useThrottled} from '../ask';
import {Problem, remove} from '../api/client';
import {client, useDeployments, useInfo} from '../api/queries';
import type {Deployment} from '../api/types';
import {digits, milliseconds, short} from '../format';
import {Mark} from '../parts/evidence';
import {Toggle, Words} from '../parts/fields';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {t} from '../text';

const read = (search: string) => ({namespace: new URLSearchParams(search).get('namespace') ?? '', measure: new URLSearchParams(search).get('measure') === '1'});
const write = (v: {namespace: string; measure: boolean}) =>
  [v.namespace && `namespace=${encodeURIComponent(v.namespace)}`, v.measure && 'measure=1'].filter(Boolean).join('&');
const names = ['namespace', 'measure'] as const;

export default function Deployments() {
  useTitle(t.pages.deployments);
  const info = useInfo();
  const [view, change] = useAddress(read, write, names);
  const namespace = useThrottled(view.namespace, 400);
  const answer = useDeployments(namespace, view.measure);
  const off = answer.error instanceof Problem && answer.error.reason === 'DEPLOY_NOT_ALLOWED';
  return (
    <div className="page deployments">
      <div className="page-head"><h1>{t.deployments.title}</h1><p className="lead">{t.deployments.lead}</p></div>
      {off || (info.data && !info.data.allowed.deploy && answer.isError) ? (
        <Empty title={t.deployments.off} action={<Link className="button" href="/">{t.toModels}</Link>}>
          <p>{info.data?.allowed.deployWhyNot}</p><p>{t.deployments.offDo}</p>
        </Empty>
      ) : (
        <>
          <div className="deployments-head">
            <Words label={t.deployments.namespace} value={view.namespace} onChange={(text) => change({namespace: text.trim()})} placeholder={t.deployments.every} />
            <div>
              <Toggle label={t.deployments.measure} value={view.measure} onChange={(measure) => change({measure})} />
              <p className="fine">{t.deployments.measureHint}</p>
            </div>
          </div>
          {answer.isError ? <Trouble error={answer.error} retry={() => void answer.refetch()} />
            : !answer.data ? <Loading lines={6} />
            : answer.data.deployments.length === 0
              ? <Empty title={t.deployments.none} action={<Link className="button" href="/">{t.toModels}</Link>}>{t.deployments.noneDo}</Empty>
              : <ul className="cards">{answer.data.deployments.map((d) => <Running key={`${d.namespace}/${d.name}`} it={d} />)}</ul>}
        </>
      )}
    </div>
  );
}

const rows = [
  ['ttftMilliseconds', t.choose.metric.ttft, milliseconds],
  ['tpotMilliseconds', t.choose.metric.tpot, milliseconds],
  ['outputTokensPerSecond', t.choose.columns.output, short],
  ['running', t.deployments.running, digits],
] as const;

function Running({it}: {it: Deployment}) {
  const compared = rows.filter(([key]) => it.promised?.[key] !== undefined || it.measured?.[key] !== undefined);
  return (
    <li className="card">
      <div className="section-head">
        <h2>{it.name} <span className="fine">{it.namespace}</span></h2>
        <Remove it={it} />
      </div>
      {it.model && <p>{it.model}</p>}
      <ul className="workloads">
        {it.workloads?.map((w) => (
          <li key={w.name}>
            <span className="ready" data-all={w.ready >= w.wanted || undefined} aria-hidden="true">
              {Array.from({length: Math.min(w.wanted, 24)}, (_, i) => <span key={i} className={i < w.ready ? 'pod pod-ready' : 'pod'} />)}
            </span>
            {w.kind} {w.name}: {t.deployments.ready(w.ready, w.wanted)}
          </li>
        ))}
        {it.autoscalers?.map((s) => (
          <li key={s.name} className="fine">
            {t.deployments.scaler(s.minReplicas, s.maxReplicas)}{s.metrics?.map((m) => `, ${m.name}: ${m.current ?? '–'} / ${m.target ?? '–'}`)}
          </li>
        ))}
      </ul>
      {compared.length > 0 && (
        <table className="table">
          <thead><tr><th scope="col">{t.deployments.metric}</th><th scope="col" className="right">{t.deployments.measured}</th><th scope="col" className="right">{t.deployments.promised}</th></tr></thead>
          <tbody>
            {compared.map(([key, label, format]) => (
              <tr key={key}>
                <th scope="row">{label}</th>
                <td className="right">{it.measured?.[key] === undefined ? <span className="fine">{t.deployments.notMeasured}</span> : <span className="kind"><Mark kind="measured" />{format(it.measured[key])}</span>}</td>
                <td className="right">{it.promised?.[key] === undefined ? '–' : format(it.promised[key])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {it.promised?.evidence && <p className="fine">{it.promised.evidence}</p>}
      {it.notMeasured && !it.measured && <p className="fine">{it.notMeasured}</p>}
      {(it.remarks?.length ?? 0) > 0 && <ul className="lines">{it.remarks!.map((r) => <li key={r}>{r}</li>)}</ul>}
      {it.proposal && <p><strong>{t.deployments.proposal(it.proposal.target)}</strong> {it.proposal.why}</p>}
      {(it.missing?.length ?? 0) > 0 && <ul className="lines">{it.missing!.map((m) => <li key={m}>{m}</li>)}</ul>}
    </li>
  );
}

function Remove({it}: {it: Deployment}) {
  const [gone, setGone] = useState(false);
  const ask = useMutation({
    mutationFn: () => remove(`/deployments/${encodeURIComponent(it.name)}?namespace=${encodeURIComponent(it.namespace)}`),
    onSuccess: () => {
      setGone(true);
      void client.invalidateQueries({queryKey: ['deployments']});
    },
  });
  if (gone) return <p role="status">{t.deployments.removed(it.name)}</p>;
  return (
    <DialogTrigger>
      <Button className="button button-small" aria-label={`${t.deployments.remove} ${it.name}`}>{t.deployments.remove}</Button>
      <ModalOverlay className="modal-overlay">
        <Modal className="modal">
          <Dialog className="modal-dialog" role="alertdialog">
            {({close}) => (
              <div className="controls">
                <Heading slot="title">{t.deployments.removeAsk(it.name)}</Heading>
                {ask.isError && <Trouble error={ask.error} />}
                <div className="buttons">
                  <Button className="button" onPress={close} autoFocus>{t.deployments.removeNo}</Button>
                  <Button className="button button-bad" isDisabled={ask.isPending} onPress={() => ask.mutate(undefined, {onSuccess: close})}>{t.deployments.removeYes}</Button>
                </div>
              </div>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}
