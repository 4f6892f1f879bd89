/** Each period of an activity as a square: as much came as was due, some of it, nothing, or it has not ended. */
import { useFormat, useT } from '@shell';
import { type Activity, iso, went } from './data';
import look from './remote.module.css';

const MARK = { full: '●', part: '◐', none: '○', open: '·' } as const;

export function Calendar({ activity }: { activity: Activity }) {
  const t = useT();
  const format = useFormat();
  return (
    <ol className={look.calendar} aria-label={t('remote.calendar', { what: activity.text })}>
      {activity.cells.slice(-62).map((one) => {
        const how = went(one);
        const said = `${format.dateTime(iso(one.start))} ${t(`remote.went.${how}`)} ${one.came}/${one.due}`;
        return (
          <li key={one.start} data-went={how} title={said}>
            <span aria-hidden="true">{MARK[how]}</span>
            <span className={look.aside}>{said}</span>
          </li>
        );
      })}
    </ol>
  );
}
