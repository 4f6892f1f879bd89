/** The parts of the editor: what is wrong, the SQL, the rows, and the files. */
import { api, Notice, type Problem, useFormat, useT } from '@shell';
import { useState } from 'react';
import { type Checked, type Preview, shown, typed } from './data';
import look from './views.module.css';

export function Problems({ checked }: { checked: Checked }) {
  const t = useT();
  const warnings = checked.warnings ?? [];
  return (
    <>
      {checked.issues.length > 0 && (
        <Notice tone="alert" title={t('views.issues', { n: checked.issues.length })}>
          <ul className={look.list}>
            {checked.issues.map((issue) => (
              <li key={`${issue.at} ${issue.text}`}>
                {issue.at && <code className={look.at}>{issue.at}</code>} {issue.text}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {warnings.length > 0 && (
        <Notice tone="warn" title={t('views.warnings')}>
          <ul className={look.list}>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}

export function Sql({ sql }: { sql: Readonly<Record<string, string>> }) {
  const t = useT();
  const names = Object.keys(sql);
  const [chosen, setChosen] = useState(names[0] ?? '');
  return (
    <div className={look.section}>
      <label className={look.label} htmlFor="views-dialect">
        {t('views.sql')}
      </label>
      <select id="views-dialect" className={look.choice} value={chosen} onChange={(event) => setChosen(event.target.value)}>
        {names.map((name) => (
          <option key={name} value={name}>
            {t(`views.dialect.${name}`)}
          </option>
        ))}
      </select>
      <pre className={look.sql} tabIndex={0} role="region" aria-label={t('views.sql')}>
        {sql[chosen]}
      </pre>
    </div>
  );
}

export function Rows({ preview }: { preview: Preview }) {
  const t = useT();
  const format = useFormat();
  const title = t('views.rows', { n: format.number(preview.rows.length), t: format.number(preview.t) });
  return (
    <div className={look.scroll} role="region" aria-label={title} tabIndex={0}>
      <table className={look.table}>
        <caption>{title}</caption>
        <thead>
          <tr>
            {preview.columns.map((column) => (
              <th key={column.name} scope="col">
                {column.name} <span className={look.type}>{typed(column)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {preview.rows.map((row, place) => (
            // biome-ignore lint: rows of a view have no key of their own
            <tr key={place}>
              {preview.columns.map((column) => (
                <td key={column.name}>{shown(row[column.name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DownloadsProps {
  text: string;
  formats: readonly string[];
  disabled: boolean;
  failed: (problem: Problem | null) => void;
}

export function Downloads({ text, formats, disabled, failed }: DownloadsProps) {
  const t = useT();
  const [form, setForm] = useState(formats[0] ?? 'csv');
  const save = async () => {
    const answer = await api.file('/rooms/views/file', text, { query: { format: form } });
    failed(answer.ok ? null : answer.problem);
    if (!answer.ok) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(answer.value);
    link.download = `view.${form}`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <>
      <label className={look.label} htmlFor="views-format">
        {t('views.format')}
      </label>
      <select id="views-format" className={look.choice} value={form} onChange={(event) => setForm(event.target.value)}>
        {formats.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <button type="button" className={look.act} disabled={disabled} onClick={save}>
        {t('views.save')}
      </button>
    </>
  );
}
