/** Who this is: name, number, birth date and sex always together, and a warning when another patient bears the name. */
import { Badge } from '@mantine/core';
import { IconArrowMerge, IconUsers } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useFormat } from '../words/format';
import { useT } from '../words/words';
import look from './banner.module.css';

export interface PatientIdentity {
  id: string;
  name: string;
  birthDate?: string | null;
  gender?: string | null;
  /** The hospital's patient number. */
  identifier?: string | null;
  ward?: string | null;
  bed?: string | null;
  /** Another patient here has the same name. */
  namesake?: boolean;
  deceased?: boolean;
  /** The id of the patient that this record was merged into. */
  mergedInto?: string | null;
}

export function NamesakeBadge() {
  const t = useT();
  return (
    <Badge className={look.namesake} variant="outline" leftSection={<IconUsers size={13} aria-hidden />} title={t('namesake.text')}>
      {t('namesake')}
    </Badge>
  );
}

export function MergedBadge() {
  const t = useT();
  return (
    <Badge className={look.merged} variant="outline" leftSection={<IconArrowMerge size={13} aria-hidden />} title={t('merged.text')}>
      {t('merged')}
    </Badge>
  );
}

export interface PatientBannerProps {
  patient: PatientIdentity;
  /** Cells after the identity: use `BannerCell`. */
  children?: ReactNode;
  /** Buttons at the right edge. */
  actions?: ReactNode;
}

/** The sticky header of a patient's page. */
export function PatientBanner({ patient, children, actions }: PatientBannerProps) {
  const t = useT();
  const format = useFormat();
  return (
    <section className={look.banner} aria-label={t('banner')}>
      <div className={look.who}>
        <h1 className={look.name}>{patient.name || t('nameless')}</h1>
        <span className={look.key}>
          {format.sex(patient.gender)}
          {patient.birthDate && <> · {format.age(patient.birthDate)}</>}
        </span>
        {patient.namesake && <NamesakeBadge />}
        {patient.mergedInto && <MergedBadge />}
        {patient.deceased && <Badge color="gray">{t('deceased')}</Badge>}
        <dl className={look.facts}>
          <Fact name={t('number')} value={patient.identifier} />
          <Fact name={t('birth')} value={format.date(patient.birthDate)} />
          {patient.ward && <Fact name={t('ward')} value={[patient.ward, patient.bed].filter(Boolean).join(' ')} />}
        </dl>
        {actions && <div className={look.actions}>{actions}</div>}
      </div>
      {children && <div className={look.cells}>{children}</div>}
    </section>
  );
}

function Fact({ name, value }: { name: string; value?: string | null | undefined }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value || '–'}</dd>
    </div>
  );
}

export interface BannerCellProps {
  label: string;
  /** `alert` for what must not be overlooked (allergies). */
  tone?: 'plain' | 'alert';
  children: ReactNode;
}

/** One titled cell of the banner: allergies, problems, vitals, medication, encounter. */
export function BannerCell({ label, tone = 'plain', children }: BannerCellProps) {
  return (
    <section className={look.cell} data-tone={tone} aria-label={label}>
      <h2>{label}</h2>
      <div>{children}</div>
    </section>
  );
}
