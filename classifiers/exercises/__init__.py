"""The exercises of the course: one module checks each answer. The files to edit are in docs/course/exercises.

A check is a function of the student's file. It returns a sentence that says what has been shown, or raises an
`ExerciseError` that names the mistake as precisely as possible.
"""
