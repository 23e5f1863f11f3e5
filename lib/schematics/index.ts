/** The factories that collection.json names. */
export { nestAdd } from './nest-add.js';
export { protect } from './protect.js';
