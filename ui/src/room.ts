/** What a room's `ui/index.tsx` default-exports. The shell finds it, mounts it and shows it to the roles it names. */
import type { ComponentType, LazyExoticComponent } from 'react';

export type Role =
  | 'physician'
  | 'nurse'
  | 'registrar'
  | 'researcher'
  | 'data-manager'
  | 'board-member'
  | 'patient'
  | 'admin'
  | 'system';

export type Language = 'ko' | 'en';

/** Flat `key: text`; a key starts with the room's name (`journey.timeline.title`). Both languages hold the same keys. */
export type Strings = Readonly<Record<string, string>>;

export interface RoomRoute {
  /** Absolute below the tenant, react-router syntax (`/patients/:patient`); never `/api`, `/fhir`, `/rooms` or `/t`. */
  path: string;
  /** `lazy(() => import('./Page'))`: a room's pages are loaded when first opened. */
  element: LazyExoticComponent<ComponentType>;
  /** Who may open it; absent = any signed-in user. The server decides anew on every request. */
  roles?: readonly Role[];
  /** Of which tenant alone this is; absent = of every one. */
  tenant?: string;
}

export interface RoomNav {
  path: string;
  labelKey: string;
  /** An icon of `@tabler/icons-react`. */
  icon: ComponentType<{ size?: number; stroke?: number }>;
  roles?: readonly Role[];
  tenant?: string;
  /** Below the others in the menu, and never where its user begins. */
  last?: boolean;
}

export interface RoomUi {
  name: string;
  routes: readonly RoomRoute[];
  nav: readonly RoomNav[];
  strings: Readonly<Record<Language, Strings>>;
}
