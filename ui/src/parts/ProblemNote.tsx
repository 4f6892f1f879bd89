/** A problem inside a form: what kind in the user's language, then the server's own words. */
import { Alert } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { Problem } from '../net/outcome';
import { useT } from '../words/words';

export function ProblemNote({ problem }: { problem: Problem }) {
  const t = useT();
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle />} title={t(`problem.${problem.kind}`)}>
      {problem.text || t(`problem.${problem.kind}.text`)}
    </Alert>
  );
}
