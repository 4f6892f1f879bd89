/** An alarm on unusual access as `/api/alarms` tells it. */

export interface Alarm {
  number: number;
  rule: string;
  /** What is unusual, in the reader's language. */
  text: string;
  at: string;
  user: string;
  roles: readonly string[];
  purpose: string;
  patients: readonly string[];
  detail: string;
  address: string;
  /** `AuditEvent/row-N`: the access that raised it. */
  access: string;
  closed: { at: string; user: string; reason: string } | null;
}
