/** What do those see who are signed in and not of the group `admin`? This, with status 403. */
import { RefusalCard } from '../../ui/refusal-card';

export default function Forbidden() {
  return (
    <>
      <div className="heading">
        <h1>Admin</h1>
      </div>
      <RefusalCard refusal="forbidden" subject="Admin" path="/admin" />
    </>
  );
}
