/** What the shell gives to rooms: `import { api, useLive, … } from '@shell'`. */
export type { Language, Role, RoomNav, RoomRoute, RoomUi, Strings } from './room';
export { address, api, type Ask, type Query } from './net/client';
export type { Change, LiveState } from './net/live';
export type { Issue, Outcome, Problem, ProblemKind } from './net/outcome';
export { type Live, useLive, useLiveState } from './net/useLive';
export { type Loaded, useLoad } from './net/useLoad';
export { type Session, type SessionDoor, useSession } from './session/session';
export { BreakGlass, type BreakGlassProps } from './session/BreakGlass';
export { BannerCell, NamesakeBadge, PatientBanner, type PatientBannerProps, type PatientIdentity } from './parts/PatientBanner';
export { Dialog, type DialogProps, Panel } from './parts/Dialog';
export { Notice, type NoticeProps } from './parts/Notice';
export { ProblemNote } from './parts/ProblemNote';
export { ProblemView } from './parts/ProblemView';
export { printing, usePrinted } from './parts/usePrinted';
export { useTitle } from './parts/useTitle';
export { Waiting } from './parts/Waiting';
export { ageAt, formatDate, formatDateTime, formatDay, formatNumber, formatQuantity, formatSex, formatTime, formatUnit, useFormat, ZONE } from './words/format';
export { t, type Translate, useLanguage, useT } from './words/words';
