/** An account as the server tells it. */
import type { Language, Role } from '../../room';

export interface User {
  user: string;
  name: string;
  roles: readonly Role[];
  /** Id of the Patient that the role patient is bound to; '' for others. */
  patient: string;
  language: Language;
  disabled: boolean;
}

/** Roles that an administrator gives by hand; `system` is for the house's own callers. */
export const GIVEN: readonly Role[] = ['physician', 'nurse', 'registrar', 'researcher', 'data-manager', 'board-member', 'patient', 'admin'];
