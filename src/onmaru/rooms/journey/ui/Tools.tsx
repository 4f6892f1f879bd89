/** Buttons of the timeline: closer, farther, whole, the last year, month or week, a date, and which kinds are shown. */
import { formatDate, useFormat, useT, ZONE } from '@shell';
import { ActionIcon, Button, TextInput } from '@mantine/core';
import { IconArrowsHorizontal, IconChevronLeft, IconChevronRight, IconMinus, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { offsetOf, startOf } from './axis';
import { type Extent, type Kind, KINDS } from './data';
import look from './journey.module.css';
import { pan, type View, within, zoom } from './view';

const DAY = 86_400_000;
const WIDE = { year: 366 * DAY, month: 31 * DAY, day: DAY } as const;
const RECENT = { year: 365 * DAY, month: 30 * DAY, week: 7 * DAY } as const;
const offset = offsetOf(ZONE);

export interface ToolsProps {
  view: View;
  all: View;
  extent: Extent;
  kinds: ReadonlySet<Kind>;
  move: (view: View) => void;
  show: (kinds: ReadonlySet<Kind>) => void;
}

export function Tools({ view, all, extent, kinds, move, show }: ToolsProps) {
  const t = useT();
  const button = (label: string, icon: React.ReactNode, next: View): React.ReactNode => (
    <ActionIcon variant="default" size="lg" aria-label={t(label)} title={t(label)} onClick={() => move(next)}>
      {icon}
    </ActionIcon>
  );
  return (
    <div className={look.tools}>
      <div className={look.buttons} role="group" aria-label={t('journey.timeline')}>
        {button('journey.pan.left', <IconChevronLeft size={17} />, pan(view, -0.5, all))}
        {button('journey.zoom.out', <IconMinus size={17} />, zoom(view, 2, 0.5, all))}
        {button('journey.zoom.in', <IconPlus size={17} />, zoom(view, 0.5, 0.5, all))}
        {button('journey.pan.right', <IconChevronRight size={17} />, pan(view, 0.5, all))}
        {button('journey.zoom.all', <IconArrowsHorizontal size={17} />, all)}
        {(['year', 'month', 'week'] as const).map((span) => (
          <Button key={span} variant="default" size="sm" px={10} onClick={() => move(within({ from: all.to - RECENT[span], to: all.to }, all))}>
            {t(`journey.recent.${span}`)}
          </Button>
        ))}
      </div>
      <Jump all={all} move={move} />
      <span className={look.range}>
        {day(view.from)} – {day(view.to)}
      </span>
      <Kinds extent={extent} kinds={kinds} show={show} />
    </div>
  );
}

const day = (at: number): string => formatDate(new Date(at).toISOString());

function Jump({ all, move }: { all: View; move: (view: View) => void }) {
  const t = useT();
  const [typed, setTyped] = useState('');
  const [bad, setBad] = useState(false);
  const go = (): void => {
    const found = startOf(typed, offset);
    setBad(found === null);
    if (found) move(within({ from: found.at, to: found.at + WIDE[found.unit] }, all));
  };
  return (
    <form
      className={look.jump}
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      <TextInput size="sm" aria-label={t('journey.jump')} placeholder={t('journey.jump.hint')} value={typed} error={bad && t('journey.jump.bad')} inputMode="numeric" autoComplete="off" maxLength={10} onChange={(event) => setTyped(event.currentTarget.value)} />
      <Button type="submit" size="sm" variant="default">
        {t('journey.jump')}
      </Button>
    </form>
  );
}

function Kinds({ extent, kinds, show }: { extent: Extent; kinds: ReadonlySet<Kind>; show: (kinds: ReadonlySet<Kind>) => void }) {
  const t = useT();
  const format = useFormat();
  const toggle = (kind: Kind): void => {
    const next = new Set(kinds);
    if (!next.delete(kind)) next.add(kind);
    show(next);
  };
  return (
    <div className={look.kinds} role="group" aria-label={t('journey.kinds')}>
      <button type="button" className={look.kind} aria-pressed={kinds.size === 0} onClick={() => show(new Set())}>
        {t('journey.kinds.all')} <span>{format.number(extent.total)}</span>
      </button>
      {KINDS.flatMap((kind) => extent.kinds.filter((one) => one.kind === kind)).map(({ kind, n }) => (
        <button key={kind} type="button" className={look.kind} data-kind={kind} aria-pressed={kinds.has(kind)} onClick={() => toggle(kind)}>
          <i aria-hidden /> {t(`journey.kind.${kind}`)} <span>{format.number(n)}</span>
        </button>
      ))}
    </div>
  );
}
