"""What does the model remember of the people it was learnt from?"""
