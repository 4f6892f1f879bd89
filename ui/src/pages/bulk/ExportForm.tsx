/** A new export: of whom, which kinds of data, and since when. */
import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { useLoad } from '../../net/useLoad';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import '../../parts/scopeStrings';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import look from './bulk.module.css';
import { TYPES } from './job';

const OFFSET = '+09:00'; // Asia/Seoul has kept it, without summer time, since 1988
const LEVELS = ['patient', 'group', 'system'] as const;
type Level = (typeof LEVELS)[number];

interface Groups {
  entry?: readonly { resource: { id: string; name?: string } }[];
}

const paths: Record<Level, (group: string) => string> = {
  patient: () => '/fhir/Patient/$export',
  group: (group) => `/fhir/Group/${encodeURIComponent(group)}/$export`,
  system: () => '/fhir/$export',
};

export function ExportForm({ close, done }: { close: () => void; done: () => void }) {
  const t = useT();
  const [level, setLevel] = useState<Level>('patient');
  const [group, setGroup] = useState('');
  const [types, setTypes] = useState<readonly string[]>([]);
  const [since, setSince] = useState('');
  const groups = useLoad<Groups>(level === 'group' ? '/fhir/Group' : null, { _count: 200, _elements: 'name', _sort: '-_lastUpdated' });
  const { busy, problem, act } = useAct();
  const found = groups.value?.entry ?? [];
  const chosen = group || (found[0]?.resource.id ?? '');
  const turn = (type: string): void => setTypes(types.includes(type) ? types.filter((one) => one !== type) : [...types, type]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const query = { _type: types.join(','), _since: since && `${since}:00${OFFSET}` };
    void act(api.post(paths[level](chosen), undefined, { query, headers: { Prefer: 'respond-async' } }), done);
  };
  return (
    <Dialog opened onClose={close} title={t('bulk.export')} size="lg">
      <form className={page.form} onSubmit={submit}>
        <NativeSelect label={t('bulk.level')} description={t(`bulk.level.${level}.hint`)} value={level} onChange={(event) => setLevel(event.currentTarget.value as Level)} data={LEVELS.map((value) => ({ value, label: t(`bulk.level.${value}`) }))} data-autofocus />
        {level === 'group' && groups.value && found.length === 0 && <Notice tone="warn" title={t('bulk.group.none')} />}
        {level === 'group' && found.length > 0 && <NativeSelect label={t('bulk.group')} value={chosen} onChange={(event) => setGroup(event.currentTarget.value)} data={found.map(({ resource: { id, name } }) => ({ value: id, label: name ? `${name} (${id})` : id }))} />}
        <fieldset className={look.types}>
          <legend>{t('bulk.types')}</legend>
          <p>{t('bulk.types.hint')}</p>
          {TYPES.map((type) => (
            <Checkbox key={type} label={t(`type.${type}`)} checked={types.includes(type)} onChange={() => turn(type)} />
          ))}
        </fieldset>
        <TextInput type="datetime-local" label={t('bulk.since')} description={t('bulk.since.hint')} value={since} onChange={(event) => setSince(event.currentTarget.value)} />
        <Notice tone="info" title={t('bulk.told')} />
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" loading={busy} disabled={level === 'group' && !chosen}>
          {t('bulk.begin')}
        </Button>
      </form>
    </Dialog>
  );
}
