/** The names of scopes and resource types. */
import { learn } from '../words/words';
import en from './scopes.en.json';
import ko from './scopes.ko.json';

learn({ ko, en });
