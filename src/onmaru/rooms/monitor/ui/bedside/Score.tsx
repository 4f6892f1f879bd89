/** NEWS2 with the parts that make it: live where devices speak, else what the chart says. */
import { useEvery, useFormat, useLoad, useT } from '@shell';
import { Shape } from '../Shape';
import { levelOf, scoreOf } from '../wall/beds';
import type { News2, Part } from '../wall/frames';
import type { Wall } from '../wall/useWall';
import look from './bedside.module.css';

const MINUTE_MS = 60_000;

interface Scored extends Omit<News2, 'parts'> {
  name: string;
  parts: readonly (Part & { value: string; unit: string })[];
}

export function Score({ wall, patient }: { wall: Wall; patient: string }) {
  const t = useT();
  const tick = useEvery(MINUTE_MS);
  const { value } = useLoad<{ scores: readonly Scored[] }>(`/rooms/monitor/patients/${encodeURIComponent(patient)}/scores`, {}, tick);
  const charted = value?.scores.find((one) => one.name === 'news2') ?? null;
  const streamed = wall.silent > 0 || wall.refused > 0 ? null : (wall.bed?.news2 ?? null);
  const score = streamed ?? charted;
  const level = levelOf(score);
  return (
    <section className={look.score} aria-labelledby="bedside-score">
      <h2 id="bedside-score" className={look.subtitle}>NEWS2</h2>
      <p className={look.total}>
        <Shape level={level} /> <strong>{scoreOf(score)}</strong> <span>{t(`monitor.level.${level || 'unknown'}`)}</span>
      </p>
      <p className={look.quiet}>{t(streamed ? 'monitor.bedside.score.live' : 'monitor.bedside.score.charted')}</p>
      {score && <Parts parts={score.parts} numerics={wall.bed?.numerics ?? []} charted={charted} />}
    </section>
  );
}

const MEASURE: Readonly<Record<string, string>> = {
  respiration: 'respiratory-rate', saturation: 'oxygen-saturation', oxygen: 'oxygen-flow', systolic: 'systolic', pulse: 'heart-rate', consciousness: 'consciousness', temperature: 'temperature',
};

function Parts({ parts, numerics, charted }: { parts: readonly Part[]; numerics: readonly { measure: string; value: string; unit: string }[]; charted: Scored | null }) {
  const t = useT();
  const format = useFormat();
  const valueOf = (name: string): string => {
    const found = numerics.find((one) => one.measure === MEASURE[name] && one.value !== '') ?? charted?.parts.find((one) => one.name === name && one.value);
    return found ? format.quantity(found.value, found.unit) : '–';
  };
  return (
    <table className={look.parts}>
      <thead>
        <tr>{['part', 'value', 'points'].map((one) => <th key={one} scope="col">{t(`monitor.bedside.head.${one}`)}</th>)}</tr>
      </thead>
      <tbody>
        {parts.map((part) => (
          <tr key={part.name} data-points={part.points ?? 'open'}>
            <th scope="row">{t(`monitor.part.${part.name}`)}</th>
            <td>{valueOf(part.name)}</td>
            <td>{part.points === null ? `${t(`monitor.bedside.state.${part.state}`)} (${part.least}–${part.most})` : part.points}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
