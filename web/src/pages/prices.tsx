import {useMutation} from '@tanstack/react-query';
import {useMemo, useState} from 'react';
import {Button, Dialog, DialogTrigger, FileTrigger, Form, Heading, Input, Label, Modal, ModalOverlay, NumberField} from 'react-aria-components';
import {useAddress} from '../ask';
import {post, text} from '../api/client';
import {client, useInfo, usePrices} from '../api/queries';
import type {PriceRow} from '../api/types';
import {usd} from '../format';
import {save} from '../parts/copy';
import {Pick, Words} from '../parts/fields';
import {Save} from '../parts/icons';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {t} from '../text';

interface Filter {
  cloud: string;
  region: string;
  item: string;
}
const names = ['cloud', 'region', 'item'] as const;
const read = (search: string): Filter => {
  const query = new URLSearchParams(search);
  return {cloud: query.get('cloud') ?? '', region: query.get('region') ?? '', item: query.get('item') ?? ''};
};
const write = (filter: Filter) => {
  const query = new URLSearchParams();
  for (const name of names) if (filter[name]) query.set(name, filter[name]);
  return query.toString();
};

export default function Prices() {
  useTitle(t.pages.prices);
  const info = useInfo();
  const [filter, change] = useAddress(read, write, names);
  const [rows, setRows] = useState(100);
  const answer = usePrices(filter.cloud, filter.region, '');
  const models = info.data?.choices.pricingModels ?? ['on-demand', 'spot', '1-year-cud', '3-years-cud'];
  const shown = useMemo(
    () => (answer.data?.prices ?? []).filter((p) => p.item.toLowerCase().includes(filter.item.toLowerCase())),
    [answer.data, filter.item],
  );
  const download = useMutation({mutationFn: (own: boolean) => text(`/prices.csv${own ? '?own=true' : ''}`), onSuccess: (csv, own) => save(own ? 'own-prices.csv' : 'prices.csv', csv, 'text/csv')});
  const upload = useMutation({
    mutationFn: async (file: File) => post<{added: number; replaced: number}>('/prices', {csv: await file.text()}),
    onSuccess: () => void client.invalidateQueries(),
  });
  const writable = info.data?.allowed.write !== false;
  return (
    <div className="page prices">
      <div className="page-head"><h1>{t.prices.title}</h1><p className="lead">{t.prices.lead}</p></div>
      <div className="prices-head">
        <Pick label={t.prices.provider} value={filter.cloud} onChange={(cloud) => change({cloud, region: ''})}
          options={[{id: '', name: t.choose.anyProvider}, ...(info.data?.choices.providers ?? []).filter((p) => p !== 'any').map((p) => ({id: p, name: t.choose.clouds[p] ?? p}))]} />
        <Pick label={t.prices.region} value={filter.region} onChange={(region) => change({region})}
          options={[{id: '', name: t.prices.anyRegion}, ...(info.data?.choices.regions ?? []).filter((r) => !filter.cloud || r.provider === filter.cloud).map((r) => ({id: r.region, name: r.region, ...(r.place ? {hint: r.place} : {})}))]} />
        <Words label={t.prices.item} value={filter.item} onChange={(item) => change({item})} placeholder="a3-highgpu" />
        <div className="buttons">
          <Button className="button" onPress={() => download.mutate(false)}><Save />{t.prices.export}</Button>
          <Button className="button" onPress={() => download.mutate(true)}>{t.prices.exportOwn}</Button>
          {writable && <FileTrigger acceptedFileTypes={['text/csv', '.csv']} onSelect={(files) => files?.[0] && upload.mutate(files[0])}><Button className="button">{t.prices.importTitle}</Button></FileTrigger>}
        </div>
      </div>
      <div aria-live="polite">
        {download.isError && <Trouble error={download.error} />}
        {upload.isError && <Trouble error={upload.error} />}
        {upload.data && <p>{t.prices.saved(upload.data.added + upload.data.replaced)}</p>}
      </div>
      {answer.isError ? <Trouble error={answer.error} retry={() => void answer.refetch()} />
        : !answer.data ? <Loading lines={8} />
        : shown.length === 0 ? <Empty title={t.prices.none} />
        : (
          <>
            <p className="fine count" role="status">{t.prices.shown(Math.min(rows, shown.length), shown.length)}</p>
            <div className="scroll" tabIndex={0} role="region" aria-label={t.prices.title}>
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">{t.prices.columns.item}</th><th scope="col">{t.prices.columns.provider}</th><th scope="col">{t.prices.columns.region}</th>
                    {models.map((m) => <th key={m} scope="col" className="right">{t.choose.pricings[m] ?? m}, {t.prices.perHour}</th>)}
                    <th scope="col">{t.prices.columns.source}</th><th scope="col">{t.prices.columns.asOf}</th>
                    {writable && <th scope="col"><span className="visually-hidden">{t.prices.editButton}</span></th>}
                  </tr>
                </thead>
                <tbody>
                  {shown.slice(0, rows).map((row, i) => (
                    <tr key={`${row.provider}${row.region}${row.item}${i}`}>
                      <th scope="row">{row.item}{row.own && <span className="own-mark"> {t.prices.yours}</span>}</th>
                      <td>{t.choose.clouds[row.provider] ?? row.provider}</td>
                      <td>{row.region}</td>
                      {models.map((m) => <td key={m} className="right">{row.usdPerHour[m] === undefined ? '–' : usd(row.usdPerHour[m])}</td>)}
                      <td className="fine source">{row.source}</td>
                      <td className="fine">{row.asOf}</td>
                      {writable && <td><Edit row={row} models={models} /></td>}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {shown.length > rows && <Button className="button more" onPress={() => setRows(rows + 200)}>{t.prices.more}</Button>}
          </>
        )}
    </div>
  );
}

function Edit({row, models}: {row: PriceRow; models: string[]}) {
  return (
    <DialogTrigger>
      <Button className="button button-small" aria-label={t.prices.edit(row.item, row.region)}>{t.prices.editButton}</Button>
      <ModalOverlay className="modal-overlay" isDismissable>
        <Modal className="modal">
          <Dialog className="modal-dialog">{({close}) => <EditForm row={row} models={models} close={close} />}</Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}

function EditForm({row, models, close}: {row: PriceRow; models: string[]; close: () => void}) {
  const [prices, setPrices] = useState<Record<string, number>>({...row.usdPerHour});
  const put = useMutation({
    mutationFn: () => {
      const given = Object.fromEntries(Object.entries(prices).filter(([, v]) => Number.isFinite(v)));
      return post('/prices', {prices: [{provider: row.provider, region: row.region, item: row.item, ...(row.covers ? {covers: row.covers} : {}), usdPerHour: given}]});
    },
    onSuccess: () => {
      void client.invalidateQueries();
      close();
    },
  });
  return (
    <Form
      className="controls"
      onSubmit={(event) => {
        event.preventDefault();
        put.mutate();
      }}
    >
      <Heading slot="title">{t.prices.edit(row.item, row.region)}</Heading>
      {models.map((m) => (
        <NumberField key={m} className="field" value={prices[m] ?? NaN} minValue={0} formatOptions={{maximumFractionDigits: 6}} onChange={(v) => setPrices({...prices, [m]: v})}>
          <Label>{t.choose.pricings[m] ?? m}, {t.prices.perHour}</Label>
          <Input className="input num" />
        </NumberField>
      ))}
      {put.isError && <Trouble error={put.error} />}
      <div className="buttons">
        <Button type="submit" className="button button-main" isDisabled={put.isPending}>{t.prices.save}</Button>
        <Button className="button" onPress={close}>{t.prices.cancel}</Button>
      </div>
    </Form>
  );
}
