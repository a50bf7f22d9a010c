import {useMutation} from '@tanstack/react-query';
import {useState} from 'react';
import {Button, DropZone, FileTrigger, Form, Label, TextArea, TextField, isFileDropItem} from 'react-aria-components';
import {post} from '../api/client';
import type {Diagnosis} from '../api/types';
import {Segments} from '../parts/fields';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {t} from '../text';
import {Findings} from './findings';

/** A manifest begins with what Kubernetes objects begin with; anything else is read as a log. */
const looksLike = (text: string) => (/^(apiVersion|kind):\s/m.test(text) ? 'manifest' : 'log');

export default function Doctor() {
  useTitle(t.pages.doctor);
  const [text, setText] = useState('');
  const [kind, setKind] = useState<string | null>(null);
  const shownKind = kind ?? looksLike(text);
  const ask = useMutation({mutationFn: () => post<Diagnosis>('/doctor', shownKind === 'manifest' ? {manifest: text} : {log: text})});
  const take = async (file: File | undefined) => {
    if (file) setText(await file.text());
  };
  return (
    <div className="page doctor">
      <div className="page-head"><h1>{t.doctor.title}</h1><p className="lead">{t.doctor.lead}</p></div>
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          ask.mutate();
        }}
      >
        <DropZone
          className="doctor-drop"
          aria-label={t.doctor.open}
          onDrop={(event) => {
            const item = event.items.find(isFileDropItem);
            if (item) void item.getFile().then(take);
          }}
        >
          <TextField className="field" value={text} onChange={setText}>
            <Label>{t.doctor.input}</Label>
            <TextArea className="code" rows={12} spellCheck={false} placeholder={t.doctor.placeholder} />
          </TextField>
        </DropZone>
        <div className="buttons doctor-buttons">
          <Segments label={t.doctor.kind} hideLabel value={shownKind} onChange={setKind} options={Object.entries(t.doctor.kinds).map(([id, name]) => ({id, name}))} />
          <FileTrigger onSelect={(files) => void take(files?.[0])}><Button className="button">{t.doctor.open}</Button></FileTrigger>
          <Button className="button" isDisabled={text === ''} onPress={() => { setText(''); setKind(null); ask.reset(); }}>{t.doctor.clear}</Button>
          <Button type="submit" className="button button-main" isDisabled={text.trim() === '' || ask.isPending}>{t.doctor.ask}</Button>
        </div>
      </Form>
      <section className="diagnosis" aria-live="polite">
        {ask.isPending && <Loading />}
        {ask.isError && <Trouble error={ask.error} retry={() => ask.mutate()} />}
        {ask.data && (ask.data.findings.length === 0
          ? <Empty title={t.doctor.nothing}>{t.doctor.nothingDo}</Empty>
          : <><h2>{t.doctor.found(ask.data.errors, ask.data.warnings, ask.data.infos)}</h2><Findings findings={ask.data.findings} /></>)}
      </section>
    </div>
  );
}
