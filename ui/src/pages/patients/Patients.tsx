/** The patient list: by ward or by name (초성 too) and number. What was typed stays in memory only, never in the address. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedValue, useHotkeys, useMediaQuery } from '@mantine/hooks';
import { IconRefresh, IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { useLive } from '../../net/useLive';
import { useLoad } from '../../net/useLoad';
import { usePages } from '../../net/usePages';
import type { PatientIdentity } from '../../parts/PatientBanner';
import { ProblemView } from '../../parts/ProblemView';
import { Rows, type RowsHandle } from '../../parts/Rows';
import { useTitle } from '../../parts/useTitle';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { PatientCells, PatientHead } from './PatientCells';
import look from './patients.module.css';

interface Ward {
  id: string;
  name: string;
  patients: number;
}

const kept = { typed: '' };
const CONCERNED = ['Patient', 'Encounter', 'Location'];

export default function Patients() {
  const t = useT();
  const format = useFormat();
  const navigate = useNavigate();
  const narrow = useMediaQuery('(width < 720px)', undefined, { getInitialValueInEffect: false });
  const [params, setParams] = useSearchParams();
  const ward = params.get('ward') ?? '';
  const [typed, setTyped] = useState(kept.typed);
  const [q] = useDebouncedValue(typed.trim(), 150);
  const { tick } = useLive(null, CONCERNED);
  const wards = useLoad<{ wards: Ward[] }>('/rooms/journey/wards', {}, tick);
  const list = usePages<PatientIdentity>('/rooms/journey/patients', { q, ward });
  const news = useNews(tick, list.items.length, list.reload);
  const input = useRef<HTMLInputElement>(null);
  const rows = useRef<RowsHandle>(null);
  useTitle(t('patients.title'));
  useHotkeys([['/', () => input.current?.focus()]]);
  useEffect(() => {
    kept.typed = typed;
  }, [typed]);

  const open = (index: number): void => {
    const id = list.items[index]?.id;
    if (id) void navigate(`/patients/${encodeURIComponent(id)}`);
  };
  const choices = [
    { value: '', label: t('patients.everywhere') },
    ...(wards.value?.wards ?? []).map((one) => ({ value: one.id, label: `${one.name} (${format.number(one.patients)})` })),
  ];

  return (
    <div className={`${page.page} ${page.fill} ${look.page}`}>
      <header className={page.head}>
        <h1 className={page.title}>{t('patients.title')}</h1>
        <span className={page.count} role="status">
          {list.fresh && !list.problem && t('patients.count', { n: format.number(list.total) })}
        </span>
        {news && (
          <button type="button" className={look.news} onClick={list.reload}>
            <IconRefresh size={15} aria-hidden /> {t('patients.news')}
          </button>
        )}
      </header>
      <search className={look.tools}>
        <TextInput ref={input} className={look.search} type="search" aria-label={t('patients.search')} placeholder={t('patients.search')} leftSection={<IconSearch size={17} aria-hidden />} rightSection={<kbd className={look.key} aria-hidden>/</kbd>} value={typed} autoFocus autoComplete="off" spellCheck={false} maxLength={100} onChange={(event) => setTyped(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === 'ArrowDown' && !event.nativeEvent.isComposing) { event.preventDefault(); rows.current?.focusFirst(); } }} />
        <NativeSelect className={look.ward} aria-label={t('ward')} value={ward} onChange={(event) => setParams(event.currentTarget.value ? { ward: event.currentTarget.value } : {}, { replace: true })} data={choices} />
      </search>
      {list.problem ? (
        <ProblemView problem={list.problem} retry={list.reload} />
      ) : list.fresh && list.items.length === 0 ? (
        <p className={look.none}>{q || ward ? t('patients.none.found') : t('patients.none')}</p>
      ) : (
        <Rows label={t('patients.title')} count={list.items.length} height={narrow ? 76 : 42} head={<PatientHead />} row={(index) => <PatientCells patient={list.items[index] as PatientIdentity} typed={q} />} keyOf={(index) => list.items[index]?.id ?? String(index)} open={open} nearEnd={list.more} handle={rows} />
      )}
    </div>
  );
}

const ONE_PAGE = 100; // rows up to which the list follows by itself; a longer one is not moved under the reader's eyes

/** Reloads a short list when something changed; of a long one only says so. */
function useNews(tick: number, loaded: number, reload: () => void): boolean {
  const [seen, setSeen] = useState(tick);
  const short = loaded <= ONE_PAGE;
  useEffect(() => {
    if (tick !== seen && short) {
      setSeen(tick);
      reload();
    }
  }, [tick, seen, short, reload]);
  return tick !== seen && !short;
}
