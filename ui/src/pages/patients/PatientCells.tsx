/** One patient as a row: name, number, sex and age, birth date, place; the same cells fold into two lines on a telephone. */
import { Link } from 'react-router';
import { Marked } from '../../parts/Marked';
import { MergedBadge, NamesakeBadge, type PatientIdentity } from '../../parts/PatientBanner';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import look from './patients.module.css';

export function PatientHead() {
  const t = useT();
  const names = ['patients.name', 'number', 'patients.sexage', 'birth', 'patients.place'];
  return names.map((key) => (
    <span key={key} role="columnheader">
      {t(key)}
    </span>
  ));
}

export function PatientCells({ patient, typed }: { patient: PatientIdentity; typed: string }) {
  const t = useT();
  const format = useFormat();
  return (
    <>
      <span role="gridcell" className={look.name}>
        <Link to={`/patients/${encodeURIComponent(patient.id)}`} tabIndex={-1} onClick={(event) => event.stopPropagation()}>
          <Marked text={patient.name || t('nameless')} typed={typed} />
        </Link>
        {patient.namesake && <NamesakeBadge />}
        {patient.mergedInto && <MergedBadge />}
      </span>
      <span role="gridcell" className={look.number}>
        <Marked text={patient.identifier ?? '–'} typed={typed} />
      </span>
      <span role="gridcell" className={look.sex}>
        {format.sex(patient.gender)} {format.age(patient.birthDate) && <>· {format.age(patient.birthDate)}</>}
      </span>
      <span role="gridcell" className={look.birth}>
        {format.date(patient.birthDate) || '–'}
      </span>
      <span role="gridcell" className={look.place}>
        {[patient.ward, patient.bed].filter(Boolean).join(' · ') || '–'}
      </span>
    </>
  );
}
