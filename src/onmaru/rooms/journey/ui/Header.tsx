/** The sticky head of the page: who this is, what must not be overlooked, what is true now. Every fact opens its source. */
import { address, BannerCell, formatDateTime, PatientBanner, useFormat, useLanguage, useT, Why } from '@shell';
import { Button } from '@mantine/core';
import { IconAlertTriangle, IconFileExport, IconPrinter } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { below, type Fact, type Summary, type Vital } from './data';
import { arrow, short } from './look';
import look from './journey.module.css';

export interface HeaderProps {
  summary: Summary;
  open: (source: string) => void;
  /** What is on screen, for print and export. */
  chosen: Readonly<Record<string, string | undefined>>;
}

export function Header({ summary, open, chosen }: HeaderProps) {
  const t = useT();
  const { patient, encounter } = summary;
  const identity = {
    ...patient,
    deceased: patient.deceased !== '',
    namesake: summary.namesakes.length > 0,
    mergedInto: summary.survivor?.id,
    ward: encounter?.ward,
    bed: encounter?.bed,
  };
  return (
    <>
      <Notices summary={summary} />
      <PatientBanner
        patient={identity}
        actions={
          <>
            <Button component="a" size="xs" variant="default" leftSection={<IconPrinter size={15} aria-hidden />} href={address(below(patient.id, 'print.pdf'), chosen)} target="_blank" rel="noopener">
              {t('journey.print')}
            </Button>
            <Button component="a" size="xs" variant="default" leftSection={<IconFileExport size={15} aria-hidden />} href={address(below(patient.id, 'document'))} download>
              {t('journey.export')}
            </Button>
            <Why resource={`Patient/${patient.id}`} />
          </>
        }
      >
        <Facts title={t('journey.allergies')} facts={summary.allergies} open={open} alert />
        {summary.warnings.length > 0 && <Facts title={t('journey.warnings')} facts={summary.warnings} open={open} alert />}
        <Facts title={t('journey.problems')} facts={summary.problems} open={open} />
        <Vitals vitals={summary.vitals} open={open} />
        <Facts title={t('journey.medications')} facts={summary.medications} open={open} detailed />
        <Encounter summary={summary} open={open} />
      </PatientBanner>
    </>
  );
}

function Notices({ summary }: { summary: Summary }) {
  const t = useT();
  const format = useFormat();
  const { survivor, merged, namesakes, seeAlso, patient } = summary;
  const numbers = (others: Summary['merged']): string => others.map((one) => one.number || one.id).join(', ');
  return (
    <>
      {survivor && (
        <p className={look.notice} data-tone="alert" role="alert">
          <IconAlertTriangle size={17} aria-hidden /> {t('journey.survivor')}{' '}
          <Link to={`/patients/${encodeURIComponent(survivor.id)}`}>
            {t('journey.survivor.open', { name: survivor.name, number: survivor.number || survivor.id })}
          </Link>
        </p>
      )}
      {namesakes.length > 0 && (
        <p className={look.notice} data-tone="warn" role="alert">
          <IconAlertTriangle size={17} aria-hidden /> <b>{t('journey.namesake')}</b>
          {namesakes.map((one) => (
            <Link key={one.id} to={`/patients/${encodeURIComponent(one.id)}`}>
              {[one.name, one.identifier, format.date(one.birthDate), format.sex(one.gender), one.bed].filter(Boolean).join(' · ')}
            </Link>
          ))}
        </p>
      )}
      {merged.length > 0 && <p className={look.notice}>{t('journey.merged', { numbers: numbers(merged) })}</p>}
      {seeAlso.length > 0 && <p className={look.notice}>{t('journey.seealso', { numbers: numbers(seeAlso) })}</p>}
      {!patient.active && !survivor && <p className={look.notice}>{t('journey.inactive')}</p>}
    </>
  );
}

const FIRST = 3;

interface FactsProps {
  title: string;
  facts: readonly Fact[];
  open: (source: string) => void;
  alert?: boolean;
  detailed?: boolean;
}

function Facts({ title, facts, open, alert = false, detailed = false }: FactsProps) {
  const t = useT();
  const [all, setAll] = useState(false);
  const shown = all ? facts : facts.slice(0, FIRST);
  const rest = facts.length - FIRST;
  return (
    <BannerCell label={facts.length > FIRST ? `${title} ${facts.length}` : title} tone={alert && facts.length > 0 ? 'alert' : 'plain'}>
      {facts.length === 0 && <span className={look.quiet}>{t('journey.none')}</span>}
      <ul className={look.facts}>
        {shown.map((fact) => (
          <li key={fact.source}>
            <FactLine fact={fact} open={open} alert={alert} detailed={detailed} />
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <button type="button" className={look.link} aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('journey.less') : t('journey.more', { n: rest })}
        </button>
      )}
    </BannerCell>
  );
}

function FactLine({ fact, open, alert, detailed }: { fact: Fact; open: (source: string) => void; alert: boolean; detailed: boolean }) {
  const t = useT();
  const language = useLanguage();
  const known = (key: string, code: string): string => (t(key) === key ? code : t(key));
  const severity = fact.severity && known(`journey.severity.${fact.severity}`, fact.severity);
  const status = ['active', 'completed', ''].includes(fact.status) ? '' : known(`journey.status.${fact.status}`, fact.status);
  const more = [severity, alert || detailed ? fact.detail : '', status].filter(Boolean).join(' · ');
  return (
    <button type="button" className={look.fact} data-alert={alert} onClick={() => open(fact.source)}>
      <b>{fact[language] || fact.code}</b> {more && <span className={look.quiet}>{more}</span>}
    </button>
  );
}

function Vitals({ vitals, open }: { vitals: readonly Vital[]; open: (source: string) => void }) {
  const t = useT();
  const format = useFormat();
  const language = useLanguage();
  const [all, setAll] = useState(false);
  const newest = [...vitals].sort((one, other) => (one.at < other.at ? 1 : -1));
  const shown = all ? newest : newest.slice(0, 6);
  return (
    <BannerCell label={t('journey.vitals')}>
      {vitals.length === 0 && <span className={look.quiet}>{t('journey.none')}</span>}
      <ul className={look.vitals}>
        {shown.map((vital) => (
          <li key={vital.code}>
            <button type="button" className={look.fact} data-flag={vital.flag || undefined} title={formatDateTime(vital.at)} onClick={() => open(vital.source)}>
              <span className={look.quiet}>{vital[language]}</span>{' '}
              <b>{short(vital.value)}</b> {format.unit(vital.unit)}{' '}
              {vital.flag && (
                <span className={look.flagged}>
                  {arrow(vital.flag)} {t(`journey.flag.${vital.flag}`)}
                </span>
              )}
              <time className={look.when} dateTime={vital.at}>
                {formatDateTime(vital.at)}
              </time>
            </button>
          </li>
        ))}
      </ul>
      {newest.length > 6 && (
        <button type="button" className={look.link} aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('journey.less') : t('journey.more', { n: newest.length - 6 })}
        </button>
      )}
    </BannerCell>
  );
}

function Encounter({ summary, open }: { summary: Summary; open: (source: string) => void }) {
  const t = useT();
  const language = useLanguage();
  const stay = summary.encounter;
  if (!stay) {
    return (
      <BannerCell label={t('journey.encounter')}>
        <span className={look.quiet}>{t('journey.encounter.none')}</span>
      </BannerCell>
    );
  }
  const key = `journey.class.${stay.class}`;
  const kind = t(key) === key ? stay.class : t(key);
  return (
    <BannerCell label={t('journey.encounter')}>
      <button type="button" className={look.fact} onClick={() => open(stay.source)}>
        <b>{[kind, stay.ward, stay.bed].filter(Boolean).join(' · ')}</b>{' '}
        <span className={look.quiet}>{[stay[language], stay.reason, stay.actor].filter(Boolean).join(' · ')}</span>
        <time className={look.when} dateTime={stay.start}>
          {formatDateTime(stay.start)} –
        </time>
      </button>
    </BannerCell>
  );
}
