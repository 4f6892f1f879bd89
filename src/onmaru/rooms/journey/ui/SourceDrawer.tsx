/** One item down to its source: the resource's own tokens, its versions, and which message brought it, when, from whom. */
import { api, formatDateTime, Panel, type Problem, ProblemView, useFormat, useLanguage, useT, Waiting } from '@shell';
import { Button } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { below, type Item, type Provenance, type Source } from './data';
import { arrow, called } from './look';
import look from './journey.module.css';
import { when } from './List';
import { Trend } from './Trend';
import { laidOut, member } from './verbatim';

export interface SourceDrawerProps {
  patient: string;
  /** `Type/id`, or null when closed. */
  source: string | null;
  /** The item itself when it was opened from the list. */
  item: Item | null;
  tick: number;
  /** Opens another resource of the patient, such as the message that brought this one. */
  open: (source: string) => void;
  close: () => void;
}

interface State {
  source: string;
  told: Source | null;
  text: string;
  problem: Problem | null;
}

export function SourceDrawer({ patient, source, item, tick, open, close }: SourceDrawerProps) {
  const language = useLanguage();
  const t = useT();
  const [version, setVersion] = useState<number | null>(null);
  const state = useSource(patient, source, version, tick);
  useEffect(() => setVersion(null), [source]);
  const ready = state?.source === source ? state : null;
  return (
    <Panel opened={source !== null} onClose={close} size="lg" title={(item && called(item, language, t)) || source || ''}>
      {item && item.source === source && <Facts item={item} />}
      {item && item.source === source && item.value && <Trend patient={patient} code={item.code} name={item[language]} tick={tick} />}
      {!ready && <Waiting />}
      {ready?.problem && <ProblemView problem={ready.problem} />}
      {ready?.told && (
        <>
          <Origin provenance={ready.told.provenance} open={open} />
          <Versions told={ready.told} choose={setVersion} />
          <Tokens text={ready.text} />
        </>
      )}
    </Panel>
  );
}

function Facts({ item }: { item: Item }) {
  const t = useT();
  const format = useFormat();
  const key = `journey.status.${item.status}`;
  const rows: [string, string][] = [
    ['journey.drawer.kind', t(`journey.kind.${item.kind}`)],
    ['journey.drawer.when', when(item, t('journey.undated'), t('journey.ongoing'))],
    ['journey.drawer.value', [item.value, format.unit(item.unit), item.flag && `${arrow(item.flag)} ${t(`journey.flag.${item.flag}`)}`].filter(Boolean).join(' ')],
    ['journey.drawer.facts', item.detail],
    ['journey.drawer.status', t(key) === key ? item.status : t(key)],
    ['journey.drawer.actor', item.actor],
    ['journey.drawer.code', item.code.replace('|', ' ')],
  ];
  return (
    <dl className={look.properties}>
      {rows
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{t(name)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function Origin({ provenance, open }: { provenance: Provenance[] | null; open: (source: string) => void }) {
  const t = useT();
  const role = (code: string): string => (t(`journey.agent.${code}`) === `journey.agent.${code}` ? code : t(`journey.agent.${code}`));
  return (
    <section className={look.part}>
      <h3>{t('journey.drawer.provenance')}</h3>
      {provenance === null && <p className={look.quiet}>{t('journey.drawer.provenance.hidden')}</p>}
      {provenance?.length === 0 && <p className={look.quiet}>{t('journey.drawer.provenance.none')}</p>}
      {provenance?.map((one) => (
        <dl key={one.id} className={look.properties}>
          <Messages messages={one.messages} open={open} />
          <Property name={t('journey.drawer.recorded')} value={formatDateTime(one.recorded)} />
          <Property name={t('journey.drawer.when')} value={formatDateTime(one.occurred)} />
          <Property name={t('journey.drawer.from')} value={one.agents.map((agent) => [agent.who, role(agent.role)].filter(Boolean).join(' · ')).join(', ')} />
          <Property name={t('journey.drawer.event')} value={[one.activity, one.reason].filter(Boolean).join(' · ')} />
        </dl>
      ))}
    </section>
  );
}

function Messages({ messages, open }: { messages: Provenance['messages']; open: (source: string) => void }) {
  const t = useT();
  if (messages.length === 0) return null;
  return (
    <div>
      <dt>{t('journey.drawer.message')}</dt>
      <dd>
        {messages.map(({ what, reference }) =>
          /^[A-Za-z]+\/[^/]+$/.test(reference) ? (
            <button key={reference} type="button" className={look.link} onClick={() => open(reference)}>
              {what === reference ? t('journey.drawer.message.open') : what}
            </button>
          ) : (
            <span key={what}>{what}</span>
          ),
        )}
      </dd>
    </div>
  );
}

function Property({ name, value }: { name: string; value: string }) {
  if (!value) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Versions({ told, choose }: { told: Source; choose: (version: number) => void }) {
  const t = useT();
  return (
    <section className={look.part}>
      <h3>{t('journey.drawer.versions')}</h3>
      <ul className={look.versions}>
        {told.versions.map((one) => (
          <li key={one.version}>
            <button type="button" className={look.link} aria-current={one.version === told.version} disabled={one.op === 'delete' || one.op === 'erase'} onClick={() => choose(one.version)}>
              {t('journey.drawer.version', { version: one.version, at: formatDateTime(one.at), by: one.by })}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Tokens({ text }: { text: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  return (
    <section className={look.part}>
      <h3>
        {t('journey.drawer.json')}
        <Button size="compact-xs" variant="default" leftSection={<IconCopy size={13} aria-hidden />} onClick={() => void navigator.clipboard?.writeText(text).then(() => setCopied(true))}>
          {copied ? t('journey.drawer.copied') : t('journey.drawer.copy')}
        </Button>
      </h3>
      <pre className={look.tokens} tabIndex={0} aria-label={t('journey.drawer.json')}>
        {laidOut(text)}
      </pre>
    </section>
  );
}

function useSource(patient: string, source: string | null, version: number | null, tick: number): State | null {
  const [state, setState] = useState<State | null>(null);
  useEffect(() => {
    if (!source) return;
    const stop = new AbortController();
    const query = version === null ? {} : { version };
    void api.text(below(patient, `source/${source}`), { query, signal: stop.signal }).then((outcome) => {
      if (stop.signal.aborted) return;
      if (!outcome.ok) setState({ source, told: null, text: '', problem: outcome.problem });
      else setState({ source, told: JSON.parse(outcome.value) as Source, text: member(outcome.value, 'resource'), problem: null });
    });
    return () => stop.abort();
  }, [patient, source, version, tick]);
  return state;
}
