/** What scopes allow, in words: one line for each thing that may be done. */
import { useT } from '../words/words';
import { type Granted, readScopes } from '../words/scopes';
import './scopeStrings';
import look from './scopes.module.css';
import { useKnown } from './State';

// Who somebody is, and that one patient is chosen, is said in one breath
const SAID = ['openid', 'offline_access', 'online_access', 'launch/encounter'];

export function ScopeWords({ text }: { text: string }) {
  const t = useT();
  const { special, granted, unread } = readScopes(text);
  return (
    <ul className={look.scopes}>
      {granted.map((one) => (
        <li key={`${one.context} ${one.verbs} ${one.search}`}>
          <GrantedWords granted={one} />
        </li>
      ))}
      {special.filter((word) => SAID.includes(word)).map((word) => (
        <li key={word} className={look.quiet}>
          {t(`scope.${word}`)}
        </li>
      ))}
      {unread.map((word) => (
        <li key={word} className={look.unread}>
          {t('scope.unread', { word })}
        </li>
      ))}
    </ul>
  );
}

function GrantedWords({ granted }: { granted: Granted }) {
  const t = useT();
  const known = useKnown();
  const types = granted.types.includes('*') ? t('scope.any') : granted.types.map((type) => known('type', type)).join(', ');
  const verbs = [...granted.verbs].map((verb) => t(`scope.${verb}`)).join('·');
  return (
    <>
      {t(`scope.${granted.context}`)}: <b>{types}</b> <span className={look.verbs}>{verbs}</span>
      {granted.search && <span className={look.quiet}> {t('scope.part', { search: granted.search })}</span>}
    </>
  );
}
