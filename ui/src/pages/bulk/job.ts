/** An export or import as `/api/jobs` tells it, and the manifest of one that is done (FHIR Bulk Data Access 2). */
import type { Tone } from '../../parts/State';

export interface Job {
  id: string;
  kind: 'export' | 'import';
  status: 'requested' | 'in-progress' | 'completed' | 'failed' | 'cancelled';
  /** `37%`, or '' where it is not known. */
  progress: string;
  at: string;
  user: string;
  client: string;
  mine: boolean;
  /** What was asked for; '' for somebody else's. */
  request: string;
  reason: string;
  expires: string | null;
}

export const runs = (job: Job): boolean => job.status === 'requested' || job.status === 'in-progress';

export const tones: Record<Job['status'], Tone> = { requested: 'plain', 'in-progress': 'warn', completed: 'good', failed: 'alert', cancelled: 'plain' };

export interface File {
  type: string;
  url?: string;
  inputUrl?: string;
  count?: number;
}

export interface Manifest {
  transactionTime: string;
  output: readonly File[];
  deleted?: readonly File[];
  error: readonly File[];
}

/** The address below this origin: a manifest names its files by the public one, which a proxy may have set. */
export function local(url: string): string {
  const { pathname, search } = new URL(url, 'http://localhost');
  return `${pathname}${search}`;
}

/** What was asked for, without the server's own part of the address: `Patient/$export?_type=Patient`. */
export const asked = (url: string): string => decodeURIComponent(local(url)).replace(/^.*?\/fhir\//, '');

/** Kinds of data that an export is asked for by name. */
export const TYPES = [
  'Patient', 'Encounter', 'Condition', 'Observation', 'MedicationRequest', 'MedicationAdministration', 'AllergyIntolerance', 'Immunization',
  'Procedure', 'DiagnosticReport', 'DocumentReference', 'ImagingStudy', 'ServiceRequest', 'Specimen', 'CarePlan', 'Coverage', 'Claim', 'Provenance',
] as const;
