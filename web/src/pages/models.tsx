import {useEffect, useState} from 'react';
import {Autocomplete, Button, DropZone, FileTrigger, Form, Input, ListBox, ListBoxItem, SearchField, Text, isFileDropItem} from 'react-aria-components';
import {useLocation, useSearch} from 'wouter';
import {Problem, post} from '../api/client';
import {client, useInfo, useModels} from '../api/queries';
import type {Model} from '../api/types';
import {parameters, tokens} from '../format';
import {Kind} from '../parts/evidence';
import {Segments, Words} from '../parts/fields';
import {Close, Search} from '../parts/icons';
import {Empty, Loading, Trouble} from '../parts/state';
import {useTitle} from '../parts/title';
import {nothingAsked, writeAsk} from '../url';
import {t} from '../text';

const address = (model: string) => `/choose?${writeAsk({...nothingAsked, model})}`;

export function Models() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const query = new URLSearchParams(search);
  const evidence = query.get('evidence') ?? '';
  // Typed faster than the address may follow; the address is what is restored.
  const [words, setWords] = useState(query.get('q') ?? '');
  useTitle(t.pages.models);

  const put = (nextWords: string, nextEvidence: string) => {
    const next = new URLSearchParams();
    if (nextWords) next.set('q', nextWords);
    if (nextEvidence) next.set('evidence', nextEvidence);
    const text = next.toString();
    navigate(text ? `/?${text}` : '/', {replace: true});
  };
  useEffect(() => setWords(new URLSearchParams(search).get('q') ?? ''), [search]);

  const answer = useModels(words.trim(), evidence);
  const models = answer.data?.pages.flatMap((page) => page.models) ?? [];
  const total = answer.data?.pages[0]?.totalSize ?? 0;

  return (
    <div className="page models">
      <h1 className="display">{t.models.title}</h1>
      <p className="lead">{t.models.lead}</p>
      <div className="models-columns">
        <section aria-label={t.models.list}>
          <Autocomplete
            inputValue={words}
            onInputChange={(next) => {
              setWords(next);
              put(next, evidence);
            }}
          >
            <div className="models-ask">
              <SearchField className="search" aria-label={t.models.search} autoFocus={window.innerWidth > 900}>
                <Search />
                <Input className="search-input" placeholder={t.models.placeholder} spellCheck={false} />
                {words !== '' && <Button className="icon-button" aria-label={t.models.clear}><Close /></Button>}
              </SearchField>
              <Segments label={t.models.filter} hideLabel value={evidence || 'all'} onChange={(id) => put(words, id === 'all' ? '' : id)}
                options={[
                  {id: 'all', name: t.models.filterAll}, {id: 'measured', name: t.models.filterMeasured},
                  {id: 'published', name: t.models.filterPublished}, {id: 'predicted', name: t.models.filterPredicted},
                ]} />
            </div>
            <p className="fine count" role="status">{answer.data ? t.models.found(total) : ''}</p>
            {answer.isError ? (
              <Trouble error={answer.error} retry={() => void answer.refetch()} />
            ) : answer.isPending ? (
              <Loading lines={8} />
            ) : (
              <ListBox
                className="model-list"
                aria-label={t.models.list}
                items={models}
                selectionMode="none"
                renderEmptyState={() => (
                  <Empty title={words ? t.models.none(words) : t.models.noneAtAll}>{t.models.noneDo}</Empty>
                )}
              >
                {(model) => <ModelRow key={model.id} model={model} />}
              </ListBox>
            )}
          </Autocomplete>
          {answer.hasNextPage && (
            <Button className="button" onPress={() => void answer.fetchNextPage()} isDisabled={answer.isFetchingNextPage}>{t.models.more}</Button>
          )}
        </section>
        <OwnModel />
      </div>
    </div>
  );
}

function ModelRow({model}: {model: Model}) {
  const slash = model.id.indexOf('/');
  const count = Object.values(model.profiles ?? {}).reduce((sum, n) => sum + n, 0);
  return (
    <ListBoxItem id={model.id} href={address(model.id)} className="model-row" textValue={model.id}>
      <Text slot="label" className="model-name">
        {slash > 0 && <span className="model-owner">{model.id.slice(0, slash + 1)}</span>}
        {model.id.slice(slash + 1)}
      </Text>
      <Text slot="description" className="model-facts">
        {model.sizeKnown === false || model.parameters === undefined ? (
          <span>{t.models.unknownSize}</span>
        ) : (
          <span>
            {t.models.parametersOf(
              parameters(model.parameters),
              model.activeParameters && model.activeParameters < model.parameters ? parameters(model.activeParameters) : undefined,
            )}
          </span>
        )}
        {model.contextLength !== undefined && <span>{t.models.context(tokens(model.contextLength))}</span>}
        {model.accelerators && model.accelerators.length > 0 && <span>{t.models.accelerators(model.accelerators.length)}</span>}
        {count > 0 && <span>{t.models.profiles(count)}</span>}
        {model.gated && <span title={t.models.gatedWhy}>{t.models.gated}</span>}
      </Text>
      <span className={`tag tag-${model.evidence}`}>
        <Kind kind={model.evidence}>{model.optimized ? t.evidence.optimized : t.evidence[model.evidence]}</Kind>
      </span>
    </ListBoxItem>
  );
}

/** A model nobody has in a catalog: its config.json says enough to predict it. */
function OwnModel() {
  const info = useInfo();
  const [, navigate] = useLocation();
  const [id, setId] = useState('');
  const [file, setFile] = useState<{name: string; config: unknown} | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const readOnly = info.data?.allowed.write === false;

  const take = async (chosen: File | undefined) => {
    if (!chosen) return;
    setError(null);
    try {
      const config = JSON.parse(await chosen.text()) as Record<string, unknown>;
      setFile({name: chosen.name, config});
      // Written there by transformers where the file came from the hub.
      if (!id && typeof config._name_or_path === 'string' && /^[\w.-]+\/[\w.-]+$/.test(config._name_or_path)) setId(config._name_or_path);
    } catch {
      setFile(null);
      setError(new Problem(0, 'NOT_JSON', t.models.ownNotJson));
    }
  };
  const add = async () => {
    setBusy(true);
    setError(null);
    try {
      const {id: added} = await post<{id: string}>('/models', {id: id.trim(), config: file!.config});
      await client.invalidateQueries();
      navigate(address(added));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };

  return (
    <aside className="card own-model" aria-labelledby="own-model">
      <h2 id="own-model">{t.models.own}</h2>
      <p>{t.models.ownLead}</p>
      {readOnly ? (
        <p className="fine">{t.models.readOnly}</p>
      ) : (
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <Words label={t.models.ownId} value={id} onChange={setId} placeholder="my-org/my-model" />
          <DropZone
            className="drop"
            aria-label={t.models.ownFile}
            onDrop={(event) => {
              const item = event.items.find(isFileDropItem);
              if (item) void item.getFile().then(take);
            }}
          >
            <FileTrigger acceptedFileTypes={['application/json', '.json']} onSelect={(files) => void take(files?.[0])}>
              <Button className="button">{t.models.ownFile}</Button>
            </FileTrigger>
            <Text slot="label" className="fine">{file ? t.models.ownChosen(file.name) : t.models.ownDrop}</Text>
          </DropZone>
          {error !== null && <Trouble error={error} />}
          <Button type="submit" className="button button-main" isDisabled={busy || !file || !/^[^/\s]+\/[^/\s]+$/.test(id.trim())}>{t.models.ownAdd}</Button>
        </Form>
      )}
    </aside>
  );
}
