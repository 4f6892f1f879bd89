/** What a user sees whose roles open no page. */
import { useSession } from '../session/session';
import { useTitle } from '../parts/useTitle';
import { useT } from '../words/words';
import look from './pages.module.css';

export default function Welcome() {
  const t = useT();
  const { session } = useSession();
  useTitle('');
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('welcome', { name: session.name })}</h1>
      <p>{t('welcome.text', { roles: session.roles.map((role) => t(`role.${role}`)).join(', ') || '–' })}</p>
    </div>
  );
}
