/** A name with the part marked that matches what was typed. */
import { matchIn } from '../words/hangul';
import look from './parts.module.css';

export function Marked({ text, typed }: { text: string; typed: string }) {
  const found = matchIn(text, typed);
  if (!found) return <>{text}</>;
  return (
    <>
      {text.slice(0, found[0])}
      <mark className={look.mark}>{text.slice(...found)}</mark>
      {text.slice(found[1])}
    </>
  );
}
