/** MonoShop in a real browser. One browser and one shop for all of it: they take longer to start than a test takes. */
import { testAccessibility } from './accessibility.js';
import { testFaults } from './faults.js';
import { testInvoices } from './invoices.js';
import { testPages } from './pages.js';
import { testRenewal } from './renewal.js';
import { testSigningIn } from './sign-in.js';
import { describeShop } from './support/describe-shop.js';

describeShop('MonoShop', {
  'its pages': testPages,
  'for everybody': testAccessibility,
  'signing in and out': testSigningIn,
  'when something fails': testFaults,
  // These set the clocks of the shop, which are never set back.
  invoices: testInvoices,
  renewal: testRenewal,
});
