/** Why a user may see a resource, or not: the answer, then each rule of the gate with what it said and by what. */
import { useLoad } from '../net/useLoad';
import { learn, useLanguage, useT } from '../words/words';
import look from './decisions.module.css';
import { Facts } from './Facts';
import { Notice } from './Notice';
import { ProblemView } from './ProblemView';
import { ScopeWords } from './ScopeWords';
import { State, type Tone, useKnown } from './State';
import { Waiting } from './Waiting';
import en from './why.en.json';
import ko from './why.ko.json';

learn({ ko, en });

interface Step {
  rule: string;
  verdict: 'allow' | 'deny' | 'none';
  by: readonly string[];
  text: string;
}

interface Explanation {
  allowed: boolean;
  user: string;
  roles: readonly string[];
  purpose: string;
  text: string;
  steps: readonly Step[];
}

const tones: Record<Step['verdict'], Tone> = { allow: 'good', deny: 'alert', none: 'plain' };

/** `user` absent: oneself. Asking for another is for who keeps the audit trail. */
export default function Decisions({ resource, user }: { resource: string; user?: string }) {
  const t = useT();
  const known = useKnown();
  // The sentences come in the reader's language
  const { value, problem, reload } = useLoad<Explanation>('/api/why', { resource, user }, useLanguage() === 'ko' ? 1 : 2);
  if (problem) return <ProblemView problem={problem} retry={reload} />;
  if (!value) return <Waiting />;
  return (
    <div className={look.answer}>
      <Notice tone={value.allowed ? 'good' : 'alert'} title={value.text} />
      <Facts
        rows={[
          [t('why.who'), value.user],
          [t('users.roles'), value.roles.map((role) => known('role', role)).join(', ')],
          [t('why.purpose'), known('purpose', value.purpose)],
        ]}
      />
      <ol className={look.steps} aria-label={t('why.steps')}>
        {value.steps.map((step) => (
          <li key={step.rule} className={look.step}>
            <div className={look.rule}>
              <b>{known('why.rule', step.rule)}</b>
              <State family="why.verdict" code={step.verdict} tone={tones[step.verdict]} />
            </div>
            <p>{step.text}</p>
            <By step={step} />
          </li>
        ))}
      </ol>
    </div>
  );
}

/** What decided: roles and scopes in words, a Consent or a label by its own name. */
function By({ step }: { step: Step }) {
  const t = useT();
  const known = useKnown();
  if (step.rule === 'scope' || step.rule === 'search') {
    const roles = step.by.filter((one) => one.startsWith('role ')).map((one) => known('role', one.slice(5)));
    const scopes = step.by.filter((one) => !one.startsWith('role '));
    return (
      <>
        {roles.length > 0 && <p className={look.quiet}>{t('why.by.roles', { roles: roles.join(', ') })}</p>}
        {scopes.length > 0 && <ScopeWords text={scopes.join(' ')} />}
      </>
    );
  }
  return (
    <ul className={look.by}>
      {step.by.map((one) => (
        <li key={one} className="mono">
          {known('why.by', one)}
        </li>
      ))}
    </ul>
  );
}
