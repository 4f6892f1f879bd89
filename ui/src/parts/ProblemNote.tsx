/** A problem inside a form: what kind in the user's language, then the server's own words. */
import type { Problem } from '../net/outcome';
import { useT } from '../words/words';
import { Notice } from './Notice';

export function ProblemNote({ problem }: { problem: Problem }) {
  const t = useT();
  return (
    <Notice tone="alert" title={t(`problem.${problem.kind}`)}>
      {problem.text || t(`problem.${problem.kind}.text`)}
    </Notice>
  );
}
