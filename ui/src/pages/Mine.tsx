/** The way of a patient to the one record that is theirs. */
import { Navigate } from 'react-router';
import { useSession } from '../session/session';
import Welcome from './Welcome';

export default function Mine() {
  const { patient } = useSession().session;
  return patient ? <Navigate to={`/patients/${encodeURIComponent(patient)}`} replace /> : <Welcome />;
}
