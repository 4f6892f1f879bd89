/** The strings of both pages of tenants. */
import { learn } from '../../words/words';
import en from './en.json';
import ko from './ko.json';

learn({ ko, en });
