/** One patient of the handover list: who, how ill, what asks for somebody, what the shift brought, what is to be done, and the nurse's words. */
import { useFormat, useLanguage, useT } from '@shell';
import { Button, Checkbox, Textarea } from '@mantine/core';
import { Link } from 'react-router';
import { state } from '../AlertList';
import { age, iso } from '../data';
import { Shape } from '../Shape';
import { type Line, type Part, type Sheet, told, went } from './data';
import look from './handover.module.css';

interface SheetProps {
  sheet: Sheet;
  now: number;
  since: number;
  chosen: boolean;
  choose: (on: boolean) => void;
  note: string;
  say: (note: string) => void;
  take: (() => void) | null;
  busy: boolean;
}

export function OneSheet({ sheet, now, since, chosen, choose, note, say, take, busy }: SheetProps) {
  const t = useT();
  const format = useFormat();
  const name = sheet.name || sheet.patient;
  return (
    <li className={look.sheet} data-patient={sheet.patient} data-level={sheet.news2.level || 'unknown'}>
      <div className={look.who}>
        <Checkbox className={look.screen ?? ''} checked={chosen} onChange={(event) => choose(event.currentTarget.checked)} aria-label={t('monitor.handover.choose', { name })} />
        <div>
          <strong className={look.bed}>{sheet.bed || t('monitor.handover.bedless')}</strong>
          <h2 className={look.name}><Link to={`/patients/${sheet.patient}`}>{name}</Link></h2>
          <p className={look.quiet}>{[sheet.number, format.sex(sheet.sex), format.age(sheet.birth), sheet.birth].filter(Boolean).join(' · ')}</p>
          {sheet.arrived !== null && <p className={sheet.arrived >= since ? look.fact : look.quiet}>{t(sheet.arrived >= since ? 'monitor.handover.arrived.shift' : 'monitor.handover.arrived', { at: format.dateTime(iso(sheet.arrived)) })}</p>}
        </div>
      </div>
      <Score sheet={sheet} now={now} />
      <Column title={t('monitor.alerts')} empty={t('monitor.handover.alerts.none')}>
        {sheet.alerts.map((one) => (
          <li key={one.id} className={look.line}>
            <Shape urgency={one.urgency} />
            <span>{[t(`monitor.rule.${one.rule}`), one.text].filter(Boolean).join(' · ')} <span className={look.quiet}>{format.time(iso(one.raised))} · {state(one, now, t)}</span></span>
          </li>
        ))}
      </Column>
      <Column title={t('monitor.handover.changes')} empty={t('monitor.handover.changes.none')} more={sheet.moreChanges}>
        {sheet.changes.map((one) => <OneLine key={one.source} line={one} />)}
        {sheet.labs > 0 && <li key="labs" className={look.quiet}>{t('monitor.handover.labs', { n: sheet.labs })}</li>}
      </Column>
      <Column title={t('monitor.handover.tasks')} empty={t('monitor.handover.tasks.none')} more={sheet.moreTasks}>
        {sheet.tasks.map((one) => <OneLine key={one.source} line={one} open />)}
      </Column>
      <div className={look.words}>
        {sheet.handed && <Given sheet={sheet} />}
        {take && <Button className={look.screen ?? ''} size="compact-md" variant="light" disabled={busy} onClick={take}>{t('monitor.handover.take')}</Button>}
        <Textarea className={look.screen ?? ''} label={t('monitor.handover.note')} value={note} maxLength={500} autosize minRows={1} onChange={(event) => say(event.currentTarget.value)} />
        {note && <p className={look.onPaper}>{note}</p>}
      </div>
    </li>
  );
}

function Score({ sheet, now }: { sheet: Sheet; now: number }) {
  const t = useT();
  const { news2, before } = sheet;
  const way = went(sheet);
  const missing = news2.parts.filter((one) => one.state === 'missing');
  return (
    <div className={look.score}>
      <p className={look.total}>
        <Shape level={news2.level} /> <small>NEWS2</small> <strong data-news2={told(news2)}>{told(news2)}</strong>
        <span className={look.quiet} data-way={way}>{t('monitor.handover.before', { n: told(before) })}{way && ` · ${t(`monitor.handover.went.${way}`)}`}</span>
      </p>
      {news2.scale === '2' && <p className={look.fact}>{t('monitor.handover.scale')}</p>}
      <ul className={look.parts}>
        {news2.parts.filter((one) => one.state !== 'missing').map((one) => <OnePart key={one.name} part={one} now={now} />)}
      </ul>
      {missing.length > 0 && <p className={look.quiet}>{t('monitor.missing', { what: missing.map((one) => t(`monitor.part.${one.name}`)).join(', ') })}</p>}
    </div>
  );
}

function OnePart({ part, now }: { part: Part; now: number }) {
  const t = useT();
  const format = useFormat();
  const since = age(part.at, now);
  const known = part.state === 'scored' || part.state === 'open';
  const value = part.value === 'air' || part.value === 'oxygen' ? t(`monitor.answer.${part.value}`) : format.quantity(part.value, part.unit);
  return (
    <li data-points={part.points ?? ''} data-state={part.state}>
      <span className={look.quiet}>{t(`monitor.part.${part.name}`)}</span>{' '}
      {part.at > 0 && <span>{value} <small className={look.quiet}>{t(`monitor.age.${since.unit}`, { n: since.n })}</small></span>}{' '}
      {known && part.points !== null ? <strong>+{part.points}</strong> : <em>{t(`monitor.bedside.state.${part.state}`)}</em>}
    </li>
  );
}

function Column({ title, empty, more = 0, children }: { title: string; empty: string; more?: number; children: React.ReactNode }) {
  const t = useT();
  const lines = Array.isArray(children) ? children.flat().filter(Boolean) : [children].filter(Boolean);
  return (
    <div className={look.column}>
      <h3 className={look.small}>{title}</h3>
      {lines.length === 0 ? <p className={look.quiet}>{empty}</p> : <ul className={look.lines}>{children}</ul>}
      {more > 0 && <p className={look.fact}>{t('monitor.handover.more', { n: more })}</p>}
    </div>
  );
}

function OneLine({ line, open = false }: { line: Line; open?: boolean }) {
  const t = useT();
  const format = useFormat();
  const words = useLanguage() === 'ko' ? line.ko : line.en;
  return (
    <li className={look.line} data-source={line.source}>
      <span>
        {!open && <span className={look.quiet}>{t(`monitor.handover.kind.${line.kind}`)} </span>}
        {words || line.source} {line.value && <strong>{format.quantity(line.value, line.unit)}</strong>} {line.flag && <strong className={look.flag}>{line.flag}</strong>}
        {line.detail && <span> · {line.detail}</span>}
        <span className={look.quiet}> {[line.at !== null && (open ? format.dateTime(iso(line.at)) : format.time(iso(line.at))), line.who].filter(Boolean).join(' · ')}</span>
      </span>
    </li>
  );
}

function Given({ sheet }: { sheet: Sheet }) {
  const t = useT();
  const format = useFormat();
  const one = sheet.handed!;
  return (
    <div className={look.given} data-taken={one.taken !== null}>
      <p className={look.fact}>{t('monitor.handover.given', { giver: one.giver, taker: one.taker, at: format.dateTime(iso(one.given)) })}</p>
      <p className={look.quiet}>{one.taken === null ? t('monitor.handover.untaken') : t('monitor.handover.taken', { who: one.taker, at: format.dateTime(iso(one.taken)) })}</p>
      {one.note && <p className={look.said}>{one.note}</p>}
    </div>
  );
}
