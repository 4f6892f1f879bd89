/** Who is signed in, as every page sees it. */
import { createContext, useContext } from 'react';
import type { Outcome } from '../net/outcome';
import type { Language, Role } from '../room';

export interface Session {
  user: string;
  name: string;
  roles: readonly Role[];
  tenant: string;
  language: Language;
  csrf: string;
  /** The id of the Patient whom this account is bound to. */
  patient?: string;
}

export interface SessionDoor {
  session: Session;
  /** True if the user holds one of the roles; no roles = anybody signed in. */
  has: (roles?: readonly Role[]) => boolean;
  signOut: () => Promise<void>;
  /** Opens one patient's record for 60 minutes; the reason goes to the audit. */
  breakGlass: (patient: string, reason: string) => Promise<Outcome<unknown>>;
}

export const SessionContext = createContext<SessionDoor | null>(null);

export function useSession(): SessionDoor {
  const door = useContext(SessionContext);
  if (!door) throw new Error('useSession outside of the signed-in pages');
  return door;
}
