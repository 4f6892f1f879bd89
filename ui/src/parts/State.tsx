/** A state as a word with a colour; the word alone carries the meaning. */
import { useT } from '../words/words';
import look from './table.module.css';

export type Tone = 'plain' | 'good' | 'warn' | 'alert';

/** `family.code` is looked up (`door.state.up`); a code the interface does not know is shown as it is. */
export function State({ family, code, tone = 'plain' }: { family: string; code: string; tone?: Tone }) {
  const known = useKnown();
  return (
    <span className={look.state} data-tone={tone}>
      {known(family, code)}
    </span>
  );
}

export function useKnown(): (family: string, code: string) => string {
  const t = useT();
  return (family, code) => {
    const key = `${family}.${code}`;
    const text = t(key);
    return text === key ? code : text;
  };
}
